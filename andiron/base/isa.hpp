#pragma once

/// The name of the namespace of code that is compiled once per instruction set: files named
/// *_isa.cpp get -DANDIRON_ISA=avx2 or avx512. Such files include no header whose inline functions
/// the linker might merge across instruction sets: no containers, no streams, raw pointers only.
namespace andiron {

enum class Isa { avx2, avx512 };

/// The best instruction set of this CPU, asked once. The environment variable
/// ANDIRON_ISA=avx2 makes it choose the older one (tests do).
Isa current_isa();
/// Whether this CPU can run it.
bool has_isa(Isa isa);

}  // namespace andiron
