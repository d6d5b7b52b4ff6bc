#include "core/fleet/member.h"

#include <catch2/catch.hpp>

using namespace swage::fleet;
using namespace std::chrono_literals;

namespace {

using Step = Member::Step;

// A member that has joined: its entry was written at 1 s, at revision 11, and has come back.
Member joined() {
  Member member({}, 10);
  member.granted(900ms);
  member.writing(1000ms);
  member.wrote(11);
  member.own_came(11);
  member.passed(11);
  return member;
}

}  // namespace

TEST_CASE("member: it answers once its own entry has come back, from when it asked for the lease") {
  Member member({}, 10);
  member.granted(900ms);
  member.watching(900ms);
  CHECK(member.next(1000ms).step == Step::write);
  CHECK(member.to_say() == 10);
  member.writing(1000ms);
  member.wrote(12);
  CHECK_FALSE(member.joined());
  CHECK(member.next(1001ms).step == Step::wait);
  member.value_came(11);
  member.passed(11);
  CHECK_FALSE(member.joined());
  CHECK(member.valid_until() == 0ms);
  member.own_came(12);
  CHECK(member.joined());
  CHECK(member.valid_until() == 6900ms);
}

TEST_CASE("member: its entry may come back before the engine's answer does") {
  Member member({}, 10);
  member.granted(900ms);
  member.writing(1000ms);
  member.own_came(11);
  CHECK_FALSE(member.joined());
  member.wrote(11);
  CHECK(member.joined());
}

TEST_CASE("member: it says what it has seen 20 ms after it said something, and only where a value came") {
  Member member = joined();
  CHECK(member.next(1001ms).step == Step::wait);
  CHECK(member.next(1001ms).at == 2900ms);  // the renewal
  member.passed(15);                        // others' entries
  CHECK(member.next(1500ms).step == Step::wait);
  member.value_came(16);
  member.passed(17);
  CHECK(member.next(1500ms).step == Step::write);
  CHECK(member.to_say() == 17);
  member.writing(1500ms);
  member.wrote(18);
  member.own_came(18);
  member.value_came(19);
  member.passed(19);
  CHECK(member.next(1510ms).step == Step::wait);
  CHECK(member.next(1510ms).at == 1520ms);
  CHECK(member.next(1520ms).step == Step::write);
}

TEST_CASE("member: a value that came between its reading and its entry is said later") {
  Member member({}, 10);
  member.granted(900ms);
  member.writing(1000ms);
  member.wrote(12);
  member.value_came(11);
  member.own_came(12);
  member.passed(12);
  CHECK(member.next(1100ms).step == Step::write);
  CHECK(member.to_say() == 12);
}

TEST_CASE("member: it writes, and renews when that has come back; valid until 6 s after the renewal was sent") {
  Member member = joined();
  CHECK(member.next(2899ms).step == Step::wait);
  CHECK(member.next(2900ms).step == Step::write);
  member.writing(2900ms);
  member.wrote(12);
  CHECK(member.next(2901ms).step == Step::wait);
  member.own_came(12);
  CHECK(member.next(2905ms).step == Step::renew);
  CHECK(member.valid_until() == 6900ms);
  member.renewed(2905ms);
  CHECK(member.valid_until() == 8905ms);
  CHECK(member.next(2906ms).step == Step::wait);
  CHECK(member.next(2906ms).at == 4905ms);
}

TEST_CASE("member: a watch that brings nothing back is stuck, and nothing is renewed") {
  Member member = joined();
  member.writing(2900ms);
  member.wrote(12);
  CHECK(member.next(3000ms).at == 4400ms);
  CHECK(member.next(4400ms).step == Step::watch_again);
  member.watching(4400ms);
  CHECK(member.next(4400ms).step == Step::wait);
  CHECK(member.next(5899ms).step == Step::wait);
  CHECK(member.next(5900ms).step == Step::watch_again);
  CHECK(member.valid_until() == 6900ms);
}

TEST_CASE("member: what was not written, or not renewed, is done again") {
  Member member = joined();
  member.writing(2900ms);
  CHECK(member.next(3200ms).step == Step::write);
  member.writing(3200ms);
  member.wrote(14);
  member.own_came(14);
  CHECK(member.next(3300ms).step == Step::renew);
  CHECK(member.next(3600ms).step == Step::renew);
}
