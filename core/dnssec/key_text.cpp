#include "core/dnssec/key_text.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <span>
#include <utility>
#include <vector>

#include "core/crypto/base64.h"
#include "core/dns/base_encodings.h"
#include "core/text.h"

namespace swage::dnssec {
namespace {

constexpr std::string_view kRsaFields[] = {"Modulus", "PublicExponent", "PrivateExponent", "Prime1",
                                           "Prime2",  "Exponent1",      "Exponent2",       "Coefficient"};
constexpr std::string_view kOtherFields[] = {"PrivateKey"};

constexpr std::pair<std::string_view, KeyTimes::Time KeyTimes::*> kTimes[] = {
    {"Created", &KeyTimes::created},          {"Publish", &KeyTimes::publish},
    {"Activate", &KeyTimes::activate},        {"Revoke", &KeyTimes::revoke},
    {"Inactive", &KeyTimes::inactive},        {"Delete", &KeyTimes::remove},
    {"SyncPublish", &KeyTimes::sync_publish}, {"SyncDelete", &KeyTimes::sync_remove},
};

bool is_rsa(Algorithm algorithm) { return algorithm == Algorithm::rsasha256 || algorithm == Algorithm::rsasha512; }

std::span<const std::string_view> fields_of(Algorithm algorithm) {
  if (is_rsa(algorithm)) return kRsaFields;
  return kOtherFields;
}

// Takes a line off the front of `text`, without what ends it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// The value of the first line "NAME: VALUE", without blanks around it; nullopt: there is none.
std::optional<std::string_view> field(std::string_view text, std::string_view name, std::string_view before = "") {
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (!line.starts_with(before)) continue;
    line.remove_prefix(before.size());
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':')) continue;
    line.remove_prefix(name.size() + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    line.remove_suffix(line.size() - std::min(line.find_last_not_of(" \t") + 1, line.size()));
    return line;
  }
  return std::nullopt;
}

Result<KeyTimes> read_times(std::string_view text, std::string_view before) {
  KeyTimes times;
  for (const auto& [name, member] : kTimes) {
    std::optional<std::string_view> value = field(text, name, before);
    if (!value) continue;
    const std::string_view word = take_word(*value);  // in comments, the time for people follows
    times.*member = parse_time(word);
    if (!(times.*member)) return fail("{}: '{}' is not a time of 14 digits", name, printable(word.substr(0, 40)));
  }
  return times;
}

// The words of the record, without comments; parentheses are blanks here.
std::vector<std::string> record_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    std::string line(take_line(text));
    line.resize(std::min(line.find(';'), line.size()));
    std::ranges::replace_if(line, [](char c) { return c == '(' || c == ')'; }, ' ');
    std::string_view rest = line;
    for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) words.emplace_back(word);
  }
  return words;
}

struct PublicRecord {
  dns::Name zone{};
  std::optional<std::uint32_t> ttl{};
  std::vector<std::uint8_t> dnskey{};
};

// "example.org. [3600] [IN] DNSKEY 257 3 13 BASE64…".
Result<PublicRecord> read_record(std::string_view text) {
  const std::vector<std::string> words = record_words(text);
  const auto expected = [] { return fail("expected 'ZONE [TTL] [IN] DNSKEY FLAGS 3 ALGORITHM KEY'"); };
  if (words.empty()) return expected();
  PublicRecord record;
  TRY(record.zone, dns::Name::parse(words[0]));
  std::size_t at = 1;
  if (std::uint32_t ttl = 0; at < words.size() && is_decimal(words[at]) && parse_number(words[at], ttl)) {
    record.ttl = ttl;
    ++at;
  }
  if (at < words.size() && equal_without_case(words[at], "IN")) ++at;
  if (words.size() < at + 5 || !equal_without_case(words[at], "DNSKEY")) return expected();
  std::uint16_t flags = 0;
  std::uint8_t protocol = 0, number = 0;
  const std::string& algorithm = words[at + 3];
  const std::optional<Algorithm> known = parse_algorithm(algorithm);
  if (!parse_number(words[at + 1], flags) || !parse_number(words[at + 2], protocol)) return expected();
  if (known) {
    number = static_cast<std::uint8_t>(*known);
  } else if (!parse_number(algorithm, number)) {
    return fail("'{}' is not an algorithm that is supported", printable(algorithm.substr(0, 40)));
  }
  record.dnskey = {static_cast<std::uint8_t>(flags >> 8), static_cast<std::uint8_t>(flags), protocol, number};
  std::string base64;
  for (std::size_t i = at + 4; i < words.size(); ++i) base64 += words[i];
  if (!dns::decode_base64(base64, record.dnskey))
    return fail("the public key is not base64, or there is a second record");
  return record;
}

Result<std::vector<crypto::Secret>> read_numbers(std::string_view text, Algorithm algorithm) {
  const std::optional<std::string_view> format = field(text, "Private-key-format");
  if (!format || !format->starts_with("v1.")) return fail("the private key is not in BIND's format, version 1");
  if (field(text, "Engine") || field(text, "Label"))
    return fail("the private key is in a hardware module, not in the file");
  std::optional<std::string_view> value = field(text, "Algorithm");
  if (!value) return fail("the private key has no line 'Algorithm:'");
  if (parse_algorithm(take_word(*value)) != algorithm)
    return fail("the private key is of another algorithm than the public key");
  std::vector<crypto::Secret> numbers;
  for (const std::string_view name : fields_of(algorithm)) {
    const std::optional<std::string_view> base64 = field(text, name);
    if (!base64) return fail("the private key has no line '{}:'", name);
    std::optional<std::string> bytes = crypto::from_base64(*base64);
    if (!bytes) return fail("the private key's {} is not base64", name);
    numbers.push_back(crypto::Secret::copy_of(as_bytes(*bytes)));
    crypto::wipe({reinterpret_cast<std::uint8_t*>(bytes->data()), bytes->size()});
  }
  return numbers;
}

std::tm calendar(std::int64_t time) {
  const std::time_t value = time;
  std::tm utc{};
  gmtime_r(&value, &utc);
  return utc;
}

std::string strftime_text(std::int64_t time, const char* format) {
  const std::tm utc = calendar(time);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, format, &utc);
  return {text, size};
}

}  // namespace

Result<Key> Key::read(std::string_view public_file, std::string_view private_file) {
  TRY(const PublicRecord record, read_record(public_file));
  if (private_file.empty()) return make(record.zone, record.dnskey, {});
  TRY(const Key half, make(record.zone, record.dnskey, {}));
  TRY(const std::vector<crypto::Secret> numbers, read_numbers(private_file, half.algorithm()));
  return make(record.zone, record.dnskey, numbers);
}

Result<StoredKey> parse_key(std::string_view public_text, std::string_view private_text) {
  TRY(const PublicRecord record, read_record(public_text));
  TRY(Key key, Key::read(public_text, private_text));
  TRY(const KeyTimes times, private_text.empty() ? read_times(public_text, "; ") : read_times(private_text, ""));
  return StoredKey{std::move(key), times, record.ttl};
}

std::string public_text(const StoredKey& stored) {
  const Key& key = stored.key;
  std::string text = formatted("; This is a {}-signing key, keyid {}, for {}\n", key.is_entry_point() ? "key" : "zone",
                               key.tag(), key.zone().to_string());
  for (const auto& [name, member] : kTimes) {
    const KeyTimes::Time& time = stored.times.*member;
    if (time)
      text += formatted("; {}: {} ({})\n", name, time_text(*time), strftime_text(*time, "%a %b %e %H:%M:%S %Y"));
  }
  return text + formatted("{} {}IN DNSKEY {} 3 {} {}\n", key.zone().to_string(),
                          stored.ttl ? std::to_string(*stored.ttl) + " " : "", key.flags(),
                          static_cast<unsigned>(key.algorithm()), crypto::to_base64(key.public_key()));
}

crypto::Secret private_text(const StoredKey& stored) {
  const std::string head = formatted("Private-key-format: v1.3\nAlgorithm: {} ({})\n",
                                     static_cast<unsigned>(stored.key.algorithm()), name_of(stored.key.algorithm()));
  std::string tail;
  for (const auto& [name, member] : kTimes) {
    const KeyTimes::Time& time = stored.times.*member;
    if (time) tail += formatted("{}: {}\n", name, time_text(*time));
  }
  const std::vector<crypto::Secret> numbers = stored.key.private_numbers();
  const std::span<const std::string_view> names = fields_of(stored.key.algorithm());
  std::size_t size = head.size() + tail.size();
  for (std::size_t i = 0; i < numbers.size(); ++i)
    size += names[i].size() + 3 + (numbers[i].bytes().size() + 2) / 3 * 4;
  crypto::Secret text(size);
  auto at = std::ranges::copy(as_bytes(head), text.bytes().begin()).out;
  const auto put = [&at](std::string_view piece) { at = std::ranges::copy(as_bytes(piece), at).out; };
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::string base64 = crypto::to_base64(numbers[i].bytes());
    put(names[i]);
    put(": ");
    put(base64);
    put("\n");
    crypto::wipe({reinterpret_cast<std::uint8_t*>(base64.data()), base64.size()});
  }
  put(tail);
  return text;
}

// As BIND's dns_name_tofilenametext() has it: every other character of a label as %XX.
std::string file_prefix(dns::NameView zone) {
  std::string name = "K";
  for (dns::NameView rest = zone; !rest.is_root(); rest = rest.parent()) {
    for (const std::uint8_t byte : rest.first_label()) {
      const char letter = static_cast<char>(byte);
      const bool plain = is_letter_or_digit(letter) || letter == '-' || letter == '_';
      name += plain ? std::string(1, to_lower(letter)) : formatted("%{:02X}", byte);
    }
    name += '.';
  }
  if (zone.is_root()) name += '.';
  return name + "+";
}

std::string file_name(const Key& key) {
  return file_prefix(key.zone()) + formatted("{:03}+{:05}", static_cast<unsigned>(key.algorithm()), key.tag());
}

std::string time_text(std::int64_t time) { return strftime_text(time, "%Y%m%d%H%M%S"); }

std::string readable_time(std::int64_t time) { return strftime_text(time, "%Y-%m-%d %H:%M:%S UTC"); }

std::optional<std::int64_t> parse_time(std::string_view text) {
  if (text.size() != 14 || !is_decimal(text)) return std::nullopt;
  const auto number = [text](std::size_t at, std::size_t size) {
    int value = 0;
    static_cast<void>(parse_number(text.substr(at, size), value));
    return value;
  };
  std::tm utc{};
  utc.tm_year = number(0, 4) - 1900;
  utc.tm_mon = number(4, 2) - 1;
  utc.tm_mday = number(6, 2);
  utc.tm_hour = number(8, 2);
  utc.tm_min = number(10, 2);
  utc.tm_sec = number(12, 2);
  const std::int64_t time = timegm(&utc);
  if (time_text(time) != text) return std::nullopt;  // no such day
  return time;
}

}  // namespace swage::dnssec
