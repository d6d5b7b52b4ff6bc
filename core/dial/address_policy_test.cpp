#include "core/dial/address_policy.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dial {
namespace {

std::vector<Prefix> prefixes(const std::vector<std::string>& texts) {
  std::vector<Prefix> list;
  for (const std::string& text : texts) list.push_back(*Prefix::parse(text));
  return list;
}

struct Case {
  const char* address;
  bool allowed;
};

void check(const AddressPolicy& policy, const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    INFO(each.address);
    const auto address = IpAddress::parse(each.address);
    REQUIRE(address);
    CHECK(policy.allows(*address) == each.allowed);
  }
}

}  // namespace

TEST_CASE("address policy: public addresses, and the edges of all that are not") {
  const std::vector<Case> cases = {
      {"0.0.0.0", false},
      {"0.0.0.1", false},
      {"0.255.255.255", false},
      {"1.0.0.0", true},
      {"1.1.1.1", true},
      {"8.8.8.8", true},
      {"9.255.255.255", true},
      {"10.0.0.0", false},
      {"10.1.2.3", false},
      {"10.255.255.255", false},
      {"11.0.0.0", true},
      {"100.63.255.255", true},
      {"100.64.0.0", false},
      {"100.100.100.200", false},
      {"100.127.255.255", false},
      {"100.128.0.0", true},
      {"126.255.255.255", true},
      {"127.0.0.0", false},
      {"127.0.0.1", false},
      {"127.1.2.3", false},
      {"127.255.255.255", false},
      {"128.0.0.0", true},
      {"169.253.255.255", true},
      {"169.254.0.0", false},
      {"169.254.169.254", false},
      {"169.254.255.255", false},
      {"169.255.0.0", true},
      {"172.15.255.255", true},
      {"172.16.0.0", false},
      {"172.31.255.255", false},
      {"172.32.0.0", true},
      {"191.255.255.255", true},
      {"192.0.0.0", false},
      {"192.0.0.170", false},
      {"192.0.0.255", false},
      {"192.0.1.0", true},
      {"192.0.1.255", true},
      {"192.0.2.0", false},
      {"192.0.2.255", false},
      {"192.0.3.0", true},
      {"192.88.98.255", true},
      {"192.88.99.0", false},
      {"192.88.99.1", false},
      {"192.88.99.255", false},
      {"192.88.100.0", true},
      {"192.167.255.255", true},
      {"192.168.0.0", false},
      {"192.168.1.1", false},
      {"192.168.255.255", false},
      {"192.169.0.0", true},
      {"198.17.255.255", true},
      {"198.18.0.0", false},
      {"198.19.255.255", false},
      {"198.20.0.0", true},
      {"198.51.99.255", true},
      {"198.51.100.0", false},
      {"198.51.100.255", false},
      {"198.51.101.0", true},
      {"203.0.112.255", true},
      {"203.0.113.0", false},
      {"203.0.113.255", false},
      {"203.0.114.0", true},
      {"223.255.255.255", true},
      {"224.0.0.0", false},
      {"224.0.0.251", false},
      {"239.255.255.255", false},
      {"240.0.0.0", false},
      {"255.255.255.254", false},
      {"255.255.255.255", false},

      {"::", false},
      {"::1", false},
      {"::2", false},
      {"::127.0.0.1", false},  // "IPv4-compatible"
      {"::8.8.8.8", false},
      {"::ffff:0:8.8.8.8", false},  // "IPv4-translated"
      {"::ffff:8.8.8.8", true},
      {"::ffff:127.0.0.1", false},
      {"::ffff:10.0.0.1", false},
      {"::ffff:0.0.0.0", false},
      {"::ffff:169.254.169.254", false},
      {"::ffff:224.0.0.1", false},
      {"::ffff:255.255.255.255", false},
      {"64:ff9b::", false},
      {"64:ff9b::8.8.8.8", false},
      {"64:ff9b::127.0.0.1", false},
      {"64:ff9b:1::1", false},
      {"100::", false},
      {"100::1", false},
      {"100:0:0:1::1", false},
      {"1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
      {"2000::", true},
      {"2001::", false},
      {"2001::1", false},  // Teredo
      {"2001:0:4136:e378:8000:63bf:3fff:fdd2", false},
      {"2001:1::1", false},
      {"2001:2::1", false},
      {"2001:10::1", false},
      {"2001:20::1", false},
      {"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", false},
      {"2001:200::", true},
      {"2001:4860:4860::8888", true},
      {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", true},
      {"2001:db8::", false},
      {"2001:db8::1", false},
      {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", false},
      {"2001:db9::", true},
      {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
      {"2002::", false},
      {"2002:7f00:1::1", false},  // 6to4 of 127.0.0.1
      {"2002:808:808::1", false},
      {"2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
      {"2003::1", true},
      {"2606:4700:4700::1111", true},
      {"2a00:1450:4001:81b::200e", true},
      {"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
      {"3fff::", false},
      {"3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", false},
      {"3fff:1000::", true},
      {"4000::", false},
      {"5f00::1", false},
      {"fbff::1", false},
      {"fc00::", false},
      {"fd00::1", false},
      {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
      {"fe00::", false},
      {"fe80::", false},
      {"fe80::1", false},
      {"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
      {"fec0::1", false},
      {"ff00::", false},
      {"ff02::1", false},
      {"ff0e::1", false},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
  };
  REQUIRE(cases.size() >= 100);
  check(AddressPolicy(), cases);
  check(AddressPolicy({}, {}), cases);
}

TEST_CASE("address policy: allowed in addition") {
  check(AddressPolicy(prefixes({"127.0.0.0/8", "10.1.0.0/16", "169.254.0.0/16", "fd00:1::/32", "::1"}), {}),
        {{"127.0.0.1", true},
         {"::ffff:127.0.0.1", true},
         {"10.1.2.3", true},
         {"10.2.0.0", false},
         {"169.254.1.1", true},
         {"fd00:1::5", true},
         {"fd00:2::5", false},
         {"::1", true},
         {"::2", false},
         {"8.8.8.8", true}});
}

TEST_CASE("address policy: this machine's own addresses, unless they are allowed") {
  const auto own = [](AddressPolicy policy) {
    std::vector<IpAddress> addresses;
    for (const char* const text : {"127.0.0.1", "::1", "8.8.8.8", "10.1.0.1", "2606:4700::1"}) {
      addresses.push_back(*IpAddress::parse(text));
    }
    policy.set_own(addresses);
    return policy;
  };
  check(own(AddressPolicy()), {{"8.8.8.8", false},
                               {"::ffff:8.8.8.8", false},
                               {"8.8.8.9", true},
                               {"2606:4700::1", false},
                               {"2606:4700::2", true},
                               {"127.0.0.1", false}});
  check(own(AddressPolicy(prefixes({"8.8.8.8", "127.0.0.0/8", "10.0.0.0/8"}), prefixes({"10.1.0.0/24"}))),
        {{"8.8.8.8", true},
         {"::ffff:8.8.8.8", true},
         {"127.0.0.1", true},
         {"2606:4700::1", false},
         {"10.1.0.1", false},
         {"10.2.0.1", true}});
  CHECK(own(AddressPolicy()).objection(*IpAddress::parse("8.8.8.8")) == "an address of this machine");
  // NAT64 and 6to4 of an own address are ways to it, too.
  check(own(AddressPolicy(prefixes({"64:ff9b::/96", "2002::/16"}), {})),
        {{"64:ff9b::8.8.8.8", false}, {"64:ff9b::8.8.8.9", true}, {"2002:808:808::1", false}});
}

TEST_CASE("address policy: clouds' metadata, unless exactly this address is allowed") {
  const std::vector<const char*> metadata = {"169.254.169.254", "168.63.129.16",  "100.100.100.200", "192.0.0.192",
                                             "169.254.170.2",   "169.254.170.23", "fd00:ec2::254",   "fd20:ce::254"};
  for (const char* const text : metadata) {
    INFO(text);
    check(AddressPolicy(), {{text, false}});
    check(AddressPolicy(prefixes({"0.0.0.0/0", "::/0"}), {}), {{text, false}});
    check(
        AddressPolicy(prefixes({"169.254.0.0/16", "100.64.0.0/10", "168.63.129.0/24", "192.0.0.0/24", "fd00::/8"}), {}),
        {{text, false}});
    check(AddressPolicy(prefixes({text}), {}), {{text, true}});
  }
  check(AddressPolicy(), {{"168.63.129.15", true}, {"168.63.129.17", true}, {"::ffff:168.63.129.16", false}});
  check(AddressPolicy(prefixes({"64:ff9b::/96"}), {}), {{"64:ff9b::168.63.129.16", false}});
}

TEST_CASE("address policy: ports") {
  CHECK(AddressPolicy().objection(std::uint16_t{22}) == "SSH");
  CHECK(AddressPolicy().objection(std::uint16_t{4001}).empty());
  const AddressPolicy policy({}, {}, {22, 25});
  CHECK(policy.objection(std::uint16_t{22}).empty());
  CHECK_FALSE(policy.objection(std::uint16_t{53}).empty());
}

TEST_CASE("address policy: deny wins, also over IPv4 within IPv6") {
  const auto everything = prefixes({"0.0.0.0/0", "::/0"});
  check(AddressPolicy(everything, prefixes({"8.8.8.0/24", "2606:4700::/32", "10.0.0.0/8"})),
        {{"8.8.8.8", false},
         {"::ffff:8.8.8.8", false},
         {"64:ff9b::8.8.8.8", false},
         {"64:ff9b::8.8.9.8", true},
         {"2002:808:808::1", false},
         {"2002:808:908::1", true},
         {"8.8.9.8", true},
         {"2606:4700::1", false},
         {"10.1.1.1", false},
         {"192.168.1.1", true}});
  const auto denied = prefixes({"8.8.8.0/24"});
  check(AddressPolicy(everything, denied), {{"2001::1:f7f7:f7f7", false},  // Teredo of 8.8.8.8
                                            {"2001::1:f7f6:f7f7", true},   // and of 8.9.8.8
                                            {"::8.8.8.8", false},          // IPv4-compatible
                                            {"::8.9.8.8", true},
                                            {"::ffff:0:8.8.8.8", false},       // IPv4-translated
                                            {"64:ff9b:1::8.8.8.8", false},     // NAT64 of a network of one's own
                                            {"64:ff9b:1:808:8:800::", false},  // the same by a prefix of 48 bits
                                            {"64:ff9b:1::8.9.8.8", true},
                                            {"2606:4700::5efe:8.8.8.8", false},  // ISATAP
                                            {"2606:4700::5efe:8.9.8.8", true}});
  check(AddressPolicy({}, prefixes({"::ffff:8.8.8.8"})), {{"::ffff:8.8.8.8", false}, {"8.8.8.8", true}});
}

TEST_CASE("address policy: what is never a peer") {
  check(AddressPolicy(prefixes({"0.0.0.0/0", "::/0"}), {}), {{"0.0.0.0", false},
                                                             {"::", false},
                                                             {"::ffff:0.0.0.0", false},
                                                             {"64:ff9b::", false},
                                                             {"224.0.0.1", false},
                                                             {"239.1.2.3", false},
                                                             {"255.255.255.255", false},
                                                             {"::ffff:224.0.0.1", false},
                                                             {"fe80::1", false},
                                                             {"ff02::1", false},
                                                             {"64:ff9b::127.0.0.1", true}});
}

}  // namespace swage::dial
