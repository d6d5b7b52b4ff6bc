// Catch2, and its CHECK, which counts from here on: core/result.h has one of its own. It is before the system's on the
// path of tests, which have parsed that already: it is among what is precompiled for them (tests/support/catch/parsed.h).
#include_next <catch2/catch.hpp>

#undef CHECK
#define CHECK(...) INTERNAL_CATCH_TEST("CHECK", Catch::ResultDisposition::ContinueOnFailure, __VA_ARGS__)
