// The fields of records in presentation format, from tokens to wire format: names, numbers, times, strings, encodings.
// Internal to core/zonefile; in the service process.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/zonefile/lexer.h"
#include "core/zonefile/mnemonics.h"

namespace swage::zonefile {

// A domain name, made absolute with `origin`; "@" is the origin. Written to the 255 bytes at `to`; returns its size.
[[nodiscard]] OrFault<std::size_t> parse_name(const Token& token, dns::NameView origin, std::uint8_t* to);

// The most seconds of a TTL (RFC 2181 section 8).
inline constexpr std::uint32_t kMaxTtl = 0x7FFFFFFF;

// Seconds: "3600" or "1h30m", units w d h m s; any number of 32 bits.
[[nodiscard]] OrFault<std::uint32_t> parse_ttl(const Token& token);

// Undoes escapes: \X and \DDD. Appends to `to`.
[[nodiscard]] OrFault<> unescape(const Token& token, std::vector<std::uint8_t>& to);

// The rdata of one record in the making: takes tokens from the front, puts wire format at the end. Each step fails
// where the tokens are at their end or the next one is malformed, with a message that says what was expected.
class RdataText {
 public:
  // `tokens` are those after the type, `line` the type's; `rdata` is emptied.
  RdataText(dns::Type type, std::span<const Token> tokens, unsigned line, dns::NameView origin,
            std::vector<std::uint8_t>& rdata)
      : type_(type), tokens_(tokens), line_(line), origin_(origin), rdata_(rdata) {
    rdata_.clear();
    if (std::ranges::any_of(tokens, &Token::is_pair)) [[unlikely]]
      split_pairs();
  }
  RdataText(const RdataText&) = delete;
  RdataText& operator=(const RdataText&) = delete;

  [[nodiscard]] dns::Type type() const { return type_; }
  [[nodiscard]] dns::NameView origin() const { return origin_; }
  [[nodiscard]] unsigned line() const { return line_; }  // of the token taken last
  [[nodiscard]] std::span<const Token> tokens() const { return tokens_; }
  [[nodiscard]] std::vector<std::uint8_t>& rdata() { return rdata_; }
  // The next token, `expected` in words for the error where there is none.
  [[nodiscard]] OrFault<Token> take(std::string_view expected);
  // That there is nothing left.
  [[nodiscard]] OrFault<> finish();

  [[nodiscard]] OrFault<> name();
  // Of 1, 2 or 4 bytes, or a word that stands for one.
  [[nodiscard]] OrFault<> number(unsigned bytes, std::span<const Mnemonic> mnemonics = {});
  [[nodiscard]] OrFault<> seconds();    // a number or a TTL with units, 32 bits
  [[nodiscard]] OrFault<> timestamp();  // YYYYMMDDHHmmSS or seconds since 1970 (RFC 4034 section 3.2)
  [[nodiscard]] OrFault<> ipv4();
  [[nodiscard]] OrFault<> ipv6();
  [[nodiscard]] OrFault<> string();       // <character-string>, up to 255 bytes
  [[nodiscard]] OrFault<> strings();      // all that follow, at least one
  [[nodiscard]] OrFault<> long_string();  // without a length byte
  [[nodiscard]] OrFault<> covered_type();
  [[nodiscard]] OrFault<> type_bitmap();     // all that follow
  [[nodiscard]] OrFault<> hex();             // all that follow, at least one digit
  [[nodiscard]] OrFault<> base64();          // all that follow
  [[nodiscard]] OrFault<> salt();            // "-" or hexadecimal, with a length byte
  [[nodiscard]] OrFault<> base32hex_hash();  // with a length byte
  [[nodiscard]] OrFault<> unknown();         // \# LENGTH HEX… (RFC 3597 section 5)

  // The Error for a token that is not what it should be.
  [[nodiscard]] std::unexpected<Fault> not_a(std::string_view expected, const Token& token) const;
  void put_u16(std::uint16_t value) {
    rdata_.push_back(static_cast<std::uint8_t>(value >> 8));
    rdata_.push_back(static_cast<std::uint8_t>(value));
  }

 private:
  void split_pairs();

  dns::Type type_;
  std::span<const Token> tokens_;
  std::vector<Token> split_;  // what tokens_ is a part of where some of them were split
  unsigned line_;
  dns::NameView origin_;
  std::vector<std::uint8_t>& rdata_;
};

}  // namespace swage::zonefile
