// Images against what a reader of the rules would do: look at every entry of every list.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/denylist/builder.h"
#include "core/denylist/denylist.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::denylist;

namespace {

struct List {
  std::string name;
  Type type;
  std::vector<Prefix> entries;
};

List list(std::string name, Type type, const std::vector<std::string>& texts) {
  List made{std::move(name), type, {}};
  for (const std::string& text : texts) made.entries.push_back(*Prefix::parse(text));
  return made;
}

class Built {
 public:
  explicit Built(const std::vector<List>& lists, std::uint64_t seed = 7) {
    std::vector<Source> sources;
    for (const List& each : lists) sources.push_back({each.name, each.type, each.entries});
    const ImageBuilder builder(sources, seed);
    memory_.resize(builder.size() / 8 + 1);
    size_ = builder.size();
    builder.write(MutableBytes(reinterpret_cast<std::uint8_t*>(memory_.data()), size_));
    const Result<> checked = Image::check(bytes());
    if (!checked) FAIL(checked.error().text());
  }
  [[nodiscard]] Bytes bytes() const { return {reinterpret_cast<const std::uint8_t*>(memory_.data()), size_}; }
  [[nodiscard]] MutableBytes writable() { return {reinterpret_cast<std::uint8_t*>(memory_.data()), size_}; }
  [[nodiscard]] std::string find(const IpAddress& address) const {
    const auto match = Image(bytes()).find(address);
    if (!match) return "";
    return (match->denied() ? "-" : "+") + std::string(match->name) + " " + std::to_string(match->list);
  }
  [[nodiscard]] std::string find(const char* text) const { return find(*IpAddress::parse(text)); }

 private:
  std::vector<std::uint64_t> memory_;
  std::size_t size_ = 0;
};

std::string naive(const std::vector<List>& lists, const IpAddress& address) {
  for (const Type type : {Type::allow, Type::deny}) {
    for (std::size_t i = 0; i < lists.size(); ++i) {
      if (lists[i].type != type) continue;
      const auto has = [&](const Prefix& prefix) { return prefix.contains(address); };
      if (!std::ranges::any_of(lists[i].entries, has)) continue;
      return (type == Type::deny ? "-" : "+") + lists[i].name + " " + std::to_string(i);
    }
  }
  return "";
}

using Random = std::mt19937_64;

// `spread`: how many bits, the highest, are free; the rest repeats. So prefixes nest, touch and fill.
IpAddress address_of(Random& random, bool v6, unsigned spread) {
  std::array<std::uint8_t, 16> bytes{};
  const unsigned bits = v6 ? 128 : 32;
  for (unsigned bit = 0; bit < bits; ++bit) {
    const bool set = bit < bits - spread ? (bit * 7 % 11) < 4 : (random() & 1) != 0;
    if (set) bytes[bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  }
  return v6 ? IpAddress::v6(bytes) : IpAddress::v4(Bytes(bytes).first(4));
}

Prefix prefix_of(Random& random, bool v6, unsigned spread, unsigned shortest) {
  const unsigned bits = v6 ? 128 : 32;
  const unsigned length = shortest + static_cast<unsigned>(random() % (bits - shortest + 1));
  return *Prefix::parse(address_of(random, v6, spread).to_string() + "/" + std::to_string(length));
}

IpAddress neighbour(const IpAddress& address, bool up) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  for (std::size_t i = address.bytes().size(); i-- > 0;) {
    bytes[i] = static_cast<std::uint8_t>(bytes[i] + (up ? 1 : 0xFF));
    if (bytes[i] != (up ? 0 : 0xFF)) break;
  }
  return address.is_v6() ? IpAddress::v6(bytes) : IpAddress::v4(Bytes(bytes).first(4));
}

IpAddress last_of(const Prefix& prefix) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(prefix.address.bytes(), bytes.begin());
  for (unsigned bit = prefix.length; bit < 8 * prefix.address.bytes().size(); ++bit) {
    bytes[bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  }
  return prefix.address.is_v6() ? IpAddress::v6(bytes) : IpAddress::v4(Bytes(bytes).first(4));
}

}  // namespace

TEST_CASE("denylist image: allow before deny, then the order of the lists") {
  const Built built({list("first", Type::deny, {"10.0.0.0/8", "2001:db8::/32"}),
                     list("second", Type::deny, {"10.1.0.0/16", "192.0.2.1", "2001:db8:1::/48"}),
                     list("friends", Type::allow, {"10.1.2.0/24", "2001:db8:1:2::/64"}),
                     list("more", Type::allow, {"10.1.2.3", "198.51.100.0/24"}),
                     list("last", Type::deny, {"198.51.100.7", "::ffff:203.0.113.0/120", "::1"})});
  const struct {
    const char *address, *found;
  } cases[] = {
      {"9.255.255.255", ""},
      {"10.0.0.0", "-first 0"},
      {"10.1.0.1", "-first 0"},
      {"10.1.2.0", "+friends 2"},
      {"10.1.2.3", "+friends 2"},
      {"10.1.2.255", "+friends 2"},
      {"10.1.3.0", "-first 0"},
      {"10.255.255.255", "-first 0"},
      {"11.0.0.0", ""},
      {"192.0.2.0", ""},
      {"192.0.2.1", "-second 1"},
      {"192.0.2.2", ""},
      {"198.51.100.7", "+more 3"},
      {"203.0.112.255", ""},
      {"203.0.113.0", "-last 4"},
      {"203.0.113.255", "-last 4"},
      {"::ffff:203.0.113.7", "-last 4"},  // IPv4-mapped is IPv4, in lists and in questions
      {"::ffff:10.1.2.3", "+friends 2"},
      {"0.0.0.1", ""},
      {"::", ""},
      {"::1", "-last 4"},
      {"::2", ""},
      {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", ""},
      {"2001:db8::", "-first 0"},
      {"2001:db8:1::", "-first 0"},
      {"2001:db8:1:2::ffff", "+friends 2"},
      {"2001:db8:1:3::", "-first 0"},
      {"2001:db9::", ""},
  };
  for (const auto& [address, found] : cases) {
    CAPTURE(address);
    CHECK(built.find(address) == found);
  }
}

TEST_CASE("denylist image: nothing, and everything") {
  CHECK(!Image({}).find(*IpAddress::parse("192.0.2.1")));
  const Built none({});
  CHECK(none.find("192.0.2.1").empty());
  const Built empty({list("empty", Type::deny, {})});
  CHECK(empty.find("2001:db8::1").empty());
  const Built all(
      {list("friend", Type::allow, {"192.0.2.1", "2001:db8::1"}), list("all", Type::deny, {"0.0.0.0/0", "::/0"})});
  for (const char* const address : {"0.0.0.0", "255.255.255.255", "192.0.2.0", "192.0.2.2",
                                    "::", "2001:db8::", "2001:db8::2", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    CAPTURE(address);
    CHECK(all.find(address) == "-all 1");
  }
  CHECK(all.find("192.0.2.1") == "+friend 0");
  CHECK(all.find("2001:db8::1") == "+friend 0");
}

TEST_CASE("denylist image: a unit that is all of a list, has one prefix of one, or is divided") {
  // Three parts of each family: a network of the size of a unit, a prefix within one, several prefixes within one.
  const Built built(
      {list("friend", Type::allow, {"198.51.100.7", "2001:db8:3:4::7"}),
       list("whole", Type::deny, {"192.0.2.0/24", "10.1.0.0/16", "2001:db8:1::/48", "2001:db8:2:1::/64"}),
       list("one", Type::deny, {"203.0.113.64/27", "10.2.64.0/19", "2001:db8:2:2::5", "2001:db8:2:3:8::/80"}),
       list("many", Type::deny, {"198.51.100.0/25", "10.3.0.0/19", "10.3.128.0/19", "2001:db8:3:4::/66"})});
  const layout::Header header = *reinterpret_cast<const layout::Header*>(built.bytes().data());
  CHECK(header.v4.ranges == 9);  // only those of what is divided: 10.3.0.0/16 and 198.51.100.0/24
  CHECK(header.v6.ranges == 5);  // 2001:db8:3:4::/64
  const struct {
    const char *address, *found;
  } cases[] = {
      {"192.0.1.255", ""},
      {"192.0.2.0", "-whole 1"},
      {"192.0.2.255", "-whole 1"},
      {"192.0.3.0", ""},
      {"10.1.255.255", "-whole 1"},
      {"10.2.0.0", ""},
      {"10.2.63.255", ""},
      {"10.2.64.0", "-one 2"},
      {"10.2.95.255", "-one 2"},
      {"10.2.96.0", ""},
      {"203.0.113.63", ""},
      {"203.0.113.64", "-one 2"},
      {"203.0.113.95", "-one 2"},
      {"203.0.113.96", ""},
      {"10.3.31.255", "-many 3"},
      {"10.3.32.0", ""},
      {"10.3.127.255", ""},
      {"10.3.128.0", "-many 3"},
      {"10.3.255.255", ""},
      {"198.51.100.6", "-many 3"},
      {"198.51.100.7", "+friend 0"},
      {"198.51.100.8", "-many 3"},
      {"198.51.100.128", ""},
      {"2001:db8:0:ffff:ffff:ffff:ffff:ffff", ""},
      {"2001:db8:1::", "-whole 1"},
      {"2001:db8:1:ffff:ffff:ffff:ffff:ffff", "-whole 1"},
      {"2001:db8:2:1:ffff:ffff:ffff:ffff", "-whole 1"},
      {"2001:db8:2:2::4", ""},
      {"2001:db8:2:2::5", "-one 2"},
      {"2001:db8:2:2:1::5", ""},
      {"2001:db8:2:3:7:ffff:ffff:ffff", ""},
      {"2001:db8:2:3:8::", "-one 2"},
      {"2001:db8:2:3:8:ffff:ffff:ffff", "-one 2"},
      {"2001:db8:2:3:9::", ""},
      {"2001:db8:3:4::6", "-many 3"},
      {"2001:db8:3:4::7", "+friend 0"},
      {"2001:db8:3:4:3fff:ffff:ffff:ffff", "-many 3"},
      {"2001:db8:3:4:4000::", ""},
  };
  for (const auto& [address, found] : cases) {
    CAPTURE(address);
    CHECK(built.find(address) == found);
  }
}

TEST_CASE("denylist image: a large unit is divided by many, and its end is one address") {
  // The range is one address longer than a unit of /48, so it is covered by two; hosts divide the first.
  List deny{"deny", Type::deny, {*Prefix::parse("2001:db8:1::/48"), *Prefix::parse("2001:db8:2::")}};
  List allow{"allow", Type::allow, {}};
  for (unsigned i = 0; i < 60'000; i += 6) {
    allow.entries.push_back(*Prefix::parse(fmt::format("2001:db8:1:{:x}::1", i)));
  }
  const Built built({deny, allow});
  CHECK(built.find("2001:db8:0:ffff:ffff:ffff:ffff:ffff") == "");
  CHECK(built.find("2001:db8:1::") == "-deny 0");
  CHECK(built.find("2001:db8:1::1") == "+allow 1");
  CHECK(built.find("2001:db8:1:1::1") == "-deny 0");
  CHECK(built.find("2001:db8:1:1770::1") == "+allow 1");
  CHECK(built.find("2001:db8:1:1770::2") == "-deny 0");
  CHECK(built.find("2001:db8:2::") == "-deny 0");
  CHECK(built.find("2001:db8:2::1") == "");
}

TEST_CASE("denylist image: random lists, against looking at every entry") {
  Random random(GENERATE(range(1, 25)));
  std::vector<List> lists;
  const bool v6 = random() % 2 != 0;
  const unsigned bits = v6 ? 128 : 32;
  const unsigned spread = std::array{6U, 12U, 20U, bits / 2, bits}[random() % 5];
  const unsigned shortest = std::array{bits - spread, bits - spread / 2, 8U, 0U}[random() % 4];
  for (std::size_t i = 0, count = 1 + random() % 6; i < count; ++i) {
    List& made = lists.emplace_back(List{"l" + std::to_string(i), random() % 3 == 0 ? Type::allow : Type::deny, {}});
    for (std::size_t entries = random() % 200; made.entries.size() < entries;) {
      made.entries.push_back(prefix_of(random, v6, spread, shortest));
    }
  }
  CAPTURE(v6, spread, shortest, lists.size());
  const Built built(lists, random());
  const auto agree = [&](const IpAddress& address) { return built.find(address) == naive(lists, address); };
  std::vector<IpAddress> wrong;
  const auto ask = [&](const IpAddress& address) {
    if (!agree(address)) wrong.push_back(address);
  };
  for (const List& each : lists) {
    for (const Prefix& prefix : each.entries) {
      const IpAddress last = last_of(prefix);
      ask(prefix.address);
      ask(last);
      ask(neighbour(prefix.address, false));
      ask(neighbour(last, true));
    }
  }
  for (int i = 0; i < 500; ++i) ask(address_of(random, v6, i % 2 == 0 ? spread : bits));
  CHECK(wrong.size() == 0);
  if (!wrong.empty()) {
    FAIL(wrong[0].to_string() << ": " << built.find(wrong[0]) << ", but " << naive(lists, wrong[0]));
  }
}

TEST_CASE("denylist image: many hosts of one network, in time") {
  Random random(3);
  List hosts{"hosts", Type::deny, {}};
  for (int i = 0; i < 20'000; ++i) hosts.entries.push_back(prefix_of(random, true, 40, 128));
  for (int i = 0; i < 20'000; ++i) hosts.entries.push_back(prefix_of(random, true, 70, 60));  // one /48, in pieces
  const auto began = std::chrono::steady_clock::now();
  const Built built({hosts});
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
  for (std::size_t i = 0; i < 20'000; i += 7) CHECK(built.find(hosts.entries[i].address) == "-hosts 0");
}

TEST_CASE("denylist image: a short list of huge networks takes no gigabytes") {
  List huge = list("huge", Type::deny, {"198.51.100.0/24"});
  for (unsigned i = 0; i < 1000; ++i) {
    std::array<std::uint8_t, 16> bytes{};
    store_u16(bytes.data(), static_cast<std::uint16_t>(i));  // every other /17
    huge.entries.push_back({IpAddress::v6(bytes), 17});
  }
  const Built built({huge});
  CHECK(built.bytes().size() < std::size_t{16} << 20);
  CHECK(built.find("0:7fff::1") == "-huge 0");
  CHECK(built.find("0:8000::1") == "");
  CHECK(built.find("3e7:7fff:ffff:ffff:ffff:ffff:ffff:ffff") == "-huge 0");
  CHECK(built.find("3e8::") == "");
  CHECK(built.find("198.51.100.7") == "-huge 0");
  CHECK(built.find("198.51.101.7") == "");
}

TEST_CASE("denylist image: what is broken is refused") {
  // The two networks divide a unit, so that there are ranges.
  const std::vector<List> lists = {
      list("one", Type::deny, {"10.0.0.0/8", "192.0.2.1", "198.51.100.0/28", "198.51.100.32/28", "2001:db8::/32"})};
  const Built sound(lists);
  CHECK(!Image::check(sound.bytes().first(sound.bytes().size() - 1)));
  CHECK(!Image::check(sound.bytes().first(63)));
  CHECK(!Image::check(sound.bytes().first(0)));
  CHECK(!Image::check(sound.bytes().subspan(4)));
  const layout::Header header = *reinterpret_cast<const layout::Header*>(sound.bytes().data());
  const layout::Parts parts(header);
  const auto broken = [&](std::size_t at, std::uint32_t value) {
    Built other(lists);
    std::memcpy(other.writable().data() + at, &value, sizeof value);
    const Result<> checked = Image::check(other.bytes());
    return checked ? "sound" : checked.error().text();
  };
  CHECK(broken(0, 1) == "denylist: not an image of this version");
  CHECK(broken(offsetof(layout::Header, filter_log), 33) == "denylist: the header makes no sense");
  CHECK(broken(offsetof(layout::Header, lists), 1'000'000) == "denylist: the header makes no sense");
  CHECK(broken(offsetof(layout::Header, v4), 0) == "denylist: the header makes no sense");
  CHECK(broken(offsetof(layout::Header, v6) + offsetof(layout::FamilyHeader, slots), 0) ==
        "denylist: the header makes no sense");
  CHECK(broken(offsetof(layout::Header, names_size), 4).ends_with("its parts have " + std::to_string(parts.end + 1)));
  CHECK(broken(parts.ranges4, 1) == "denylist: the first range does not begin at 0");
  CHECK(broken(parts.ranges4 + 4, 2) == "denylist: range 0 is of no list");
  CHECK(broken(parts.ranges4 + 8, 0) == "denylist: range 1 is out of order");
  CHECK(broken(parts.slots4 + 4, 1U << 31 | 99) == "denylist: slot 0 refers to no range");
  CHECK(broken(parts.slots4 + 4, 2) == "denylist: slot 0 is of no list");
  CHECK(broken(parts.slots6 + sizeof(layout::V6::Slot) + 16, 4096) == "denylist: slot 1 is of no list");
  CHECK(broken(parts.lists + 4, 2) == "denylist: the name of list 0 is outside");
  CHECK(broken(parts.lists + 8, 4) == "denylist: the name of list 0 is outside");
}

TEST_CASE("denylist: asks the newest snapshot") {
  shm::Snapshot snapshot(Denylist::name("libp2p.direct."));
  CHECK(snapshot.name() == "denylist libp2p.direct.");
  const Denylist denylist(snapshot);
  CHECK(!denylist.find(*IpAddress::parse("192.0.2.1")));
  const Built built({list("one", Type::deny, {"192.0.2.0/24"})});
  auto segment = *shm::Segment::create("test", built.bytes().size());
  std::memcpy(segment.writable_bytes().data(), built.bytes().data(), built.bytes().size());
  REQUIRE(snapshot.publish(std::move(segment)));
  const auto match = denylist.find(*IpAddress::parse("192.0.2.1"));
  REQUIRE(match);
  CHECK(match->denied());
  CHECK(match->name == "one");
}
