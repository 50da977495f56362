#include <cstdio>

// What the archives of libjpeg and libpng take for `stderr` (cmake/AndironImages.cmake). Nothing is
// ever written to it: our error handlers stand in the place of theirs.
extern "C" {
[[gnu::visibility("hidden")]] extern std::FILE* andiron_images_stderr;
std::FILE* andiron_images_stderr = stderr;
}
