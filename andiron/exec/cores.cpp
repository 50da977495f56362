#include "andiron/exec/cores.hpp"

#include <unistd.h>

#include <cstring>

namespace andiron::exec {

namespace {

void set_cores(cpu_set_t cores) {
  // Where nothing is forbidden, no cores are named: those that come later are allowed as well.
  if (CPU_COUNT(&cores) >= sysconf(_SC_NPROCESSORS_ONLN)) std::memset(&cores, 0xff, sizeof(cores));
  sched_setaffinity(0, sizeof(cores), &cores);
}

}  // namespace

cpu_set_t process_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(getpid(), sizeof(cores), &cores) != 0) CPU_SET(0, &cores);
  return cores;
}

void run_on_process_cores() { set_cores(process_cores()); }

void leave_core(int core) {
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof(all), &all) != 0) return;
  if (core < 0 || core >= CPU_SETSIZE || CPU_COUNT(&all) < 2) return;
  cpu_set_t others = all;
  CPU_CLR(core, &others);
  if (sched_setaffinity(0, sizeof(others), &others) == 0) set_cores(all);
}

}  // namespace andiron::exec
