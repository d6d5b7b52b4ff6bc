// The last of what is precompiled for tests: Catch2 without its CHECK, which would be another one in what is tested.
#include <catch2/catch.hpp>
#undef CHECK
