#pragma once

namespace andiron::nn {

/// While it lives, layers built on this thread get zeros instead of drawn values, because the
/// values come from a file: a large table is neither drawn nor touched.
class NoInitialValues {
 public:
  NoInitialValues();
  ~NoInitialValues();
  NoInitialValues(const NoInitialValues&) = delete;
  NoInitialValues& operator=(const NoInitialValues&) = delete;

 private:
  bool previous_;
};

}  // namespace andiron::nn
