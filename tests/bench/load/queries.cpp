#include "tests/bench/load/queries.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include <fmt/format.h>

namespace swage::bench {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kTypeAndClass = 4;
constexpr std::size_t kPeers = 5000;
constexpr std::string_view kForge = "libp2p.direct";
constexpr std::uint16_t kA = 1;
constexpr std::uint16_t kTxt = 16;
constexpr std::uint16_t kAaaa = 28;
constexpr std::uint64_t kAaaaPercent = 30;

// OPT, RFC 6891: root name, type 41, 1232 bytes, no flags, no options.
constexpr std::array<std::uint8_t, 11> kOpt = {0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};

// A well-mixed number for each state (splitmix64): reproducible, and a bijection.
std::uint64_t mixed(std::uint64_t state) {
  state = (state + 1) * 0x9e3779b97f4a7c15;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

Result<std::uint16_t> parse_type(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::uint16_t>, 11> kTypes = {{{"A", 1},
                                                                                         {"NS", 2},
                                                                                         {"CNAME", 5},
                                                                                         {"SOA", 6},
                                                                                         {"PTR", 12},
                                                                                         {"MX", 15},
                                                                                         {"TXT", 16},
                                                                                         {"AAAA", 28},
                                                                                         {"SRV", 33},
                                                                                         {"HTTPS", 65},
                                                                                         {"CAA", 257}}};
  for (const auto& [name, type] : kTypes) {
    if (name == text) return type;
  }
  std::uint16_t type = 0;
  if (text.starts_with("TYPE")) {
    const auto [end, error] = std::from_chars(text.data() + 4, text.data() + text.size(), type);
    if (error == std::errc() && end == text.data() + text.size()) return type;
  }
  return fail("no such type: {}", text);
}

std::vector<std::string> make_peers() {
  std::vector<std::string> peers;
  for (std::size_t i = 0; i < kPeers; ++i) {
    std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{};
    store_u32(seed.data(), static_cast<std::uint32_t>(i));
    std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_key{};
    std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret_key{};
    crypto_sign_seed_keypair(public_key.data(), secret_key.data(), seed.data());
    peers.push_back(peer_label(public_key));
  }
  return peers;
}

// Multiplying by an odd number permutes the 32-bit numbers: every `serial` has its own address.
std::string ip4_label(std::uint32_t serial) {
  const std::uint32_t address = serial * 2654435761U;
  return fmt::format("{}-{}-{}-{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255, address & 255);
}

// 2001:db8::/32 and six groups: four of noise, as a host's address has, and the serial number.
std::string ip6_label(std::uint32_t serial, std::uint64_t noise) {
  return fmt::format("2001-db8-{:x}-{:x}-{:x}-{:x}-{:x}-{:x}", noise >> 48, (noise >> 32) & 0xffff,
                     (noise >> 16) & 0xffff, noise & 0xffff, serial >> 16, serial & 0xffff);
}

Result<> add_synth(Queries& queries, std::size_t count, std::uint64_t seed) {
  const auto peers = make_peers();
  queries.reserve(count, 100);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t random = mixed(seed + i);
    const auto serial = static_cast<std::uint32_t>(seed + i);
    const bool six = random % 100 < kAaaaPercent;
    const std::string address = six ? ip6_label(serial, mixed(random)) : ip4_label(serial);
    const auto& peer = peers[(random >> 32) % kPeers];
    TRY(queries.add(fmt::format("{}.{}.{}", address, peer, kForge), six ? kAaaa : kA));
  }
  return {};
}

Result<> add_zone(Queries& queries, std::size_t names, std::size_t count, std::uint64_t seed) {
  if (names == 0) return fail("a zone needs names");
  queries.reserve(count, 30);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t random = mixed(seed + i);
    const auto label = zone_label((random >> 32) % names);
    TRY(queries.add(fmt::format("{}.{}", label, kZoneApex), random % 100 < kAaaaPercent ? kAaaa : kA));
  }
  return {};
}

// The names of the zone as a resolver is asked for names: the nth most popular 1/n as often as the first (Zipf).
Result<> add_popular(Queries& queries, std::size_t names, std::size_t count, std::uint64_t seed) {
  if (names == 0) return fail("a zone needs names");
  queries.desire_recursion();
  queries.reserve(count, 30);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t random = mixed(seed + i);
    const double part = static_cast<double>(random >> 11) * 0x1p-53;  // of [0, 1)
    const auto rank = static_cast<std::size_t>(std::exp(part * std::log(static_cast<double>(names) + 1)));
    TRY(queries.add(fmt::format("{}.{}", zone_label(rank - 1), kZoneApex),
                    mixed(random) % 100 < kAaaaPercent ? kAaaa : kA));
  }
  return {};
}

Result<> add_challenges(Queries& queries, std::size_t peers, std::size_t count, std::uint64_t seed) {
  if (peers == 0) return fail("challenges need peers");
  queries.reserve(count, 95);
  for (std::size_t i = 0; i < count; ++i) {
    const auto peer = peer_label(challenge_key(mixed(seed + i) % peers));
    TRY(queries.add(fmt::format("_acme-challenge.{}.{}", peer, kForge), kTxt));
  }
  return {};
}

Result<> add_file(Queries& queries, const std::string& path, std::size_t count) {
  std::ifstream file(path);
  if (!file) return fail("cannot read {}", path);
  std::vector<std::pair<std::string, std::uint16_t>> lines;
  std::string line;
  for (unsigned number = 1; std::getline(file, line); ++number) {
    std::istringstream words(line);
    std::string name;
    std::string type;
    if (!(words >> name) || name.starts_with('#')) continue;
    words >> type;
    const auto parsed = parse_type(type);
    if (!parsed) return std::unexpected(Error::at(path, number, parsed.error().text()));
    lines.emplace_back(name, *parsed);
  }
  if (lines.empty()) return fail("no queries in {}", path);
  for (std::size_t i = 0; i < std::max(count, lines.size()); ++i) {
    const auto& [name, type] = lines[i % lines.size()];
    TRY(queries.add(name, type));
  }
  return {};
}

}  // namespace

Result<> Queries::add(std::string_view name, std::uint16_t type) {
  const std::size_t begin = bytes_.size();
  bytes_.resize(begin + kHeader);
  bytes_[begin + 2] = recursion_ ? 1 : 0;
  bytes_[begin + 5] = 1;               // QDCOUNT
  bytes_[begin + 11] = edns_ ? 1 : 0;  // ARCOUNT
  if (name.ends_with('.')) name.remove_suffix(1);
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > 63) return fail("bad label in a name: '{}'", name);
    bytes_.push_back(static_cast<std::uint8_t>(label.size()));
    bytes_.insert(bytes_.end(), label.begin(), label.end());
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  bytes_.push_back(0);
  const std::size_t tail = bytes_.size();
  if (tail - begin - kHeader > 255) return fail("name too long");
  bytes_.resize(tail + kTypeAndClass);
  store_u16(&bytes_[tail], type);
  store_u16(&bytes_[tail + 2], 1);
  if (edns_) bytes_.insert(bytes_.end(), kOpt.begin(), kOpt.end());
  ends_.push_back(bytes_.size());
  return {};
}

void Queries::reserve(std::size_t count, std::size_t name_size) {
  bytes_.reserve(count * (kHeader + name_size + kTypeAndClass + (edns_ ? kOpt.size() : 0)));
  ends_.reserve(count);
}

MutableBytes Queries::packet(std::size_t index) {
  return MutableBytes(bytes_).subspan(begin_of(index), ends_[index] - begin_of(index));
}

Bytes Queries::question(std::size_t index) const {
  const std::size_t begin = begin_of(index) + kHeader;
  return Bytes(bytes_).subspan(begin, ends_[index] - begin - (edns_ ? kOpt.size() : 0));
}

bool Queries::answered_by(Bytes answer, std::size_t index) const {
  const bool response = (answer[2] & 0x80) != 0;
  const bool truncated = (answer[2] & 0x02) != 0;
  const unsigned rcode = answer[3] & 0x0f;
  const unsigned answers = load_u16(&answer[6]);
  if (!response || truncated || rcode != 0 || answers == 0) return false;
  const Bytes asked = question(index);
  return answer.size() > kHeader + asked.size() && std::memcmp(&answer[kHeader], asked.data(), asked.size()) == 0;
}

Result<Queries> make_queries(const Mix& mix, std::size_t count, std::uint64_t seed, bool edns) {
  Queries queries(edns);
  switch (mix.kind) {
    case Mix::Kind::synth:
      TRY(add_synth(queries, count, seed));
      break;
    case Mix::Kind::zone:
      TRY(add_zone(queries, mix.names, count, seed));
      break;
    case Mix::Kind::popular:
      TRY(add_popular(queries, mix.names, count, seed));
      break;
    case Mix::Kind::challenges:
      TRY(add_challenges(queries, mix.names, count, seed));
      break;
    case Mix::Kind::file:
      TRY(add_file(queries, mix.path, count));
      break;
  }
  return queries;
}

std::string base36(Bytes bytes) {
  std::vector<unsigned> digits;  // least significant first
  for (const std::uint8_t byte : bytes) {
    unsigned carry = byte;
    for (unsigned& digit : digits) {
      carry += digit * 256;
      digit = carry % 36;
      carry /= 36;
    }
    for (; carry != 0; carry /= 36) digits.push_back(carry % 36);
  }
  const auto zeros = std::find_if(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; });
  std::string text(static_cast<std::size_t>(zeros - bytes.begin()), '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    text.push_back("0123456789abcdefghijklmnopqrstuvwxyz"[*digit]);
  }
  return text;
}

std::array<std::uint8_t, 32> challenge_key(std::size_t index) {
  std::array<std::uint8_t, 32> key;
  for (std::size_t word = 0; word < 4; ++word) {
    const std::uint64_t value = mixed(~(4 * index + word));
    std::memcpy(&key[8 * word], &value, sizeof value);
  }
  return key;
}

// CIDv1, codec libp2p-key; identity multihash of 36 bytes; protobuf: key type Ed25519, 32 bytes of key.
std::string peer_label(Bytes public_key) {
  std::vector<std::uint8_t> cid = {0x01, 0x72, 0x00, 0x24, 0x08, 0x01, 0x12, 0x20};
  cid.insert(cid.end(), public_key.begin(), public_key.end());
  return "k" + base36(cid);
}

std::string zone_label(std::size_t index) { return fmt::format("h{:016x}", mixed(index)); }

Result<> write_zone(std::size_t names, const std::string& path) {
  std::ofstream file(path);
  file << "$ORIGIN " << kZoneApex << ".\n$TTL 3600\n"
       << "@ IN SOA ns hostmaster 1 7200 3600 1209600 3600\n@ IN NS ns\nns IN A 192.0.2.53\n";
  for (std::size_t i = 0; i < names; ++i) {
    const auto label = zone_label(i);
    const auto serial = static_cast<std::uint32_t>(i);
    const std::uint32_t low = serial & 0xffffff;
    file << fmt::format("{} IN A 10.{}.{}.{}\n{} IN AAAA 2001:db8::{:x}:{:x}\n", label, low >> 16, (low >> 8) & 255,
                        low & 255, label, serial >> 16, serial & 0xffff);
  }
  file.close();
  if (!file) return fail("cannot write {}", path);
  return {};
}

}  // namespace swage::bench
