#include "core/zonefile/reader.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "core/text.h"
#include "core/whole_file.h"
#include "core/zonefile/fields.h"
#include "core/zonefile/generate.h"
#include "core/zonefile/lexer.h"
#include "core/zonefile/rdata.h"

namespace swage::zonefile {
namespace {

// What $INCLUDE may do: files that include each other twice and more would never end otherwise.
constexpr unsigned kMaxDepth = 16;  // files that include files
constexpr unsigned kMaxIncludes = 10'000;
constexpr std::size_t kMaxFile = std::size_t{4} << 30;  // bytes
constexpr std::size_t kMaxIncludedBytes = std::size_t{4} << 30;
constexpr std::uint64_t kMaxGeneratedInAll = std::uint64_t{1} << 24;  // a PTR for each address of a /8

// The commonest types, without a search.
std::optional<dns::Type> common_type(std::string_view text) {
  if (text == "A") return dns::Type::a;
  if (text == "AAAA") return dns::Type::aaaa;
  if (text == "NS") return dns::Type::ns;
  if (text == "RRSIG") return dns::Type::rrsig;
  if (text == "NSEC") return dns::Type::nsec;
  if (text == "NSEC3") return dns::Type::nsec3;
  if (text == "TXT") return dns::Type::txt;
  return {};
}

std::optional<dns::Type> type_of(std::string_view text) {
  if (const auto type = common_type(text)) return type;
  const auto type = dns::parse_type(text);
  return type ? std::optional(*type) : std::nullopt;
}

bool is_word(const Token& token, std::string_view word) { return equal_without_case(token.text, word); }

bool starts_number(const Token& token) { return !token.text.empty() && is_digit(token.text[0]); }

// Where a field is left out, what is read as a time in its place is not what is wrong.
OrFault<> check_soa_fields(const Token& type, std::span<const Token> fields) {
  constexpr std::size_t kFields = 7;
  if (fields.size() == kFields || (!fields.empty() && fields.front().text == "\\#")) return {};
  const auto is_number = [](const Token& field) { return is_decimal(field.text); };
  const bool no_mailbox = fields.size() + 1 == kFields && is_number(fields[1]);
  return fault(type.line, "SOA: expected the name server, the mailbox, serial, refresh, retry, expire and minimum{}",
               no_mailbox ? ": the mailbox is missing" : fmt::format(", 7 fields, not {}", fields.size()));
}

// What a reader keeps from file to file: the TTLs, room for the data of a record, and what was included so far.
struct ReaderState {
  zone::Builder& into;
  std::optional<std::uint32_t> default_ttl{};  // $TTL
  std::optional<std::uint32_t> last_ttl{};
  std::vector<std::uint8_t> rdata{};
  unsigned includes = 0;
  std::size_t included_bytes = 0;
  std::uint64_t generated = 0;
  bool is_over = false;  // a bound was reached: what follows would say so again and again
};

// The owner of the last record, which the next one has too where its own is left out, also in an included file.
struct Owner {
  std::array<std::uint8_t, dns::kMaxName> bytes;
  std::size_t size = 0;  // 0: there was none yet, or it is malformed
  bool is_malformed = false;

  [[nodiscard]] dns::NameView name() const { return {bytes.data(), size}; }
};

// One file, or the text that a $GENERATE stands for. What is wrong with an entry goes to the report, and the next entry
// is read.
class Reader {
 public:
  Reader(ReaderState& state, std::string name, dns::NameView origin, const Owner& owner, unsigned depth)
      : state_(state), name_(std::move(name)), origin_(origin), depth_(depth), owner_(owner) {}

  void read(std::string_view text);

 private:
  using Tokens = std::span<const Token>;

  zone::Report& report() { return state_.into.report(); }
  void warn(zone::Warning kind, unsigned line, std::string_view text) {
    report().warn(kind, report().place(line), [&] { return std::string(text); });
  }
  OrFault<> read_entry(const Entry& entry);
  OrFault<> read_record(Tokens tokens, bool indented);
  OrFault<> add(dns::Type type, std::uint32_t ttl, unsigned line);
  OrFault<std::uint32_t> ttl_of(std::optional<std::uint32_t> written, const Token& type_token, dns::Type type);
  std::uint32_t ttl_in_range(std::uint32_t written, unsigned line);
  OrFault<> directive(Tokens tokens);
  OrFault<> generate(Tokens tokens);
  OrFault<> generate_record(Tokens tokens, std::uint32_t value, std::string& text, Entry& entry);
  OrFault<> include(Tokens tokens);
  OrFault<dns::Name> name_of(const Token& token) const;
  template <typename... Values>
  std::unexpected<Fault> over(unsigned line, FormatText<std::type_identity_t<Values>...> format,
                              const Values&... values) {
    state_.is_over = true;
    return fault(line, format, values...);
  }

  ReaderState& state_;
  std::string name_;
  dns::Name origin_;
  unsigned depth_;
  Owner owner_;
};

void Reader::read(std::string_view text) {
  report().enter(name_, 1);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return report().refuse(report().place(1), "the file is in UTF-16; expected ASCII or UTF-8");
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    const auto lines_before = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n');
    warn(zone::Warning::text, static_cast<unsigned>(lines_before) + 1, "a NUL byte, taken as it is");
  }
  Lexer lexer(text);
  Entry entry;
  unsigned long_string = 0;
  while (!report().is_full() && !state_.is_over) {
    const auto more = lexer.next(entry);
    if (!more) return report().refuse(report().place(more.error().line), more.error().text);
    if (!*more) return;
    if (lexer.long_string() != long_string) {
      long_string = lexer.long_string();
      warn(zone::Warning::text, long_string, "a quoted string goes on after the end of its line");
    }
    const auto done = read_entry(entry);
    if (!done) report().refuse(report().place(done.error().line), done.error().text);
  }
}

OrFault<> Reader::read_entry(const Entry& entry) {
  const Token& first = entry.tokens.front();
  const bool is_directive = !entry.indented && !first.quoted && first.text.starts_with('$');
  if (!is_directive) return read_record(entry.tokens, entry.indented);
  if (is_word(first, "$INCLUDE")) return include(entry.tokens);
  return is_word(first, "$GENERATE") ? generate(entry.tokens) : directive(entry.tokens);
}

OrFault<> Reader::read_record(Tokens tokens, bool indented) {
  const unsigned line = tokens.front().line;
  if (!indented) {
    const auto size = parse_name(tokens.front(), origin_, owner_.bytes.data());
    owner_.size = size.value_or(0);  // a malformed name has overwritten the bytes of the last one
    owner_.is_malformed = !size;
    if (!size) return std::unexpected(size.error());
    tokens = tokens.subspan(1);
  } else if (owner_.is_malformed) {
    return {};  // a record of the name that is reported already
  } else if (owner_.size == 0) {
    return fault(line, "the first record has no owner");
  }
  std::optional<std::uint32_t> ttl;
  bool has_class = false;
  while (!tokens.empty()) {
    const Token& token = tokens.front();
    if (!ttl && starts_number(token)) {
      TRY(const std::uint32_t written, parse_ttl(token));
      ttl = ttl_in_range(written, token.line);
    } else if (!has_class && token.text == "IN") {
      has_class = true;
    } else if (common_type(token.text)) {
      break;
    } else if (const auto rclass = dns::parse_class(token.text); !has_class && rclass) {
      if (*rclass != dns::Class::in) return fault(token.line, "class {}: only IN is served", to_string(*rclass));
      has_class = true;
    } else {
      break;
    }
    tokens = tokens.subspan(1);
  }
  if (tokens.empty()) return fault(line, "a record without a type");
  const Token& type_token = tokens.front();
  const auto type = type_of(type_token.text);
  if (!type) return fault(type_token.line, "unknown type '{}'", type_token.text);
  if (*type == dns::Type::soa) TRY(check_soa_fields(type_token, tokens.subspan(1)));
  RdataText text(*type, tokens.subspan(1), type_token.line, origin_, state_.rdata);
  TRY(parse_rdata(text));
  TRY(const std::uint32_t final_ttl, ttl_of(ttl, type_token, *type));
  return add(*type, final_ttl, line);
}

// The record in state_.rdata. BIND, Knot DNS and NSD leave out what is outside the zone, too.
OrFault<> Reader::add(dns::Type type, std::uint32_t ttl, unsigned line) {
  const zone::Place place = report().place(line);
  const dns::NameView owner = owner_.name();
  const auto added = state_.into.add(owner, type, ttl, state_.rdata, place);
  if (added) return {};
  if (owner.is_under(state_.into.apex())) return fault(line, "{}", added.error().text());
  report().warn(zone::Warning::outside, place, [&] { return added.error().text() + "; left out"; });
  return {};
}

// RFC 2181 section 8: what has the highest bit set counts as 0.
std::uint32_t Reader::ttl_in_range(std::uint32_t written, unsigned line) {
  if (written <= kMaxTtl) return written;
  warn(zone::Warning::ttl, line, fmt::format("the TTL {} is more than {} seconds; taken as 0", written, kMaxTtl));
  return 0;
}

// Written, or that of $TTL, or the last one written (RFC 1035). The minimum of a SOA without any is as good as a $TTL
// (as in BIND and ldns, and in what Windows writes).
OrFault<std::uint32_t> Reader::ttl_of(std::optional<std::uint32_t> written, const Token& type_token, dns::Type type) {
  if (written) {
    state_.last_ttl = written;
    return *written;
  }
  if (state_.default_ttl) return *state_.default_ttl;
  if (state_.last_ttl) return *state_.last_ttl;
  if (type != dns::Type::soa)
    return fault(type_token.line, "a record without a TTL, and no $TTL or other TTL before it");
  if (state_.rdata.size() < 4) return fault(type_token.line, "SOA: malformed data");
  const std::uint32_t minimum = load_u32(&state_.rdata[state_.rdata.size() - 4]);
  state_.default_ttl = ttl_in_range(minimum, type_token.line);
  return *state_.default_ttl;
}

OrFault<dns::Name> Reader::name_of(const Token& token) const {
  std::array<std::uint8_t, dns::kMaxName> bytes;
  TRY(const std::size_t size, parse_name(token, origin_, bytes.data()));
  return dns::Name(dns::NameView(bytes.data(), size));
}

OrFault<> Reader::directive(Tokens tokens) {
  const Token& directive = tokens.front();
  if (!is_word(directive, "$ORIGIN") && !is_word(directive, "$TTL")) {
    return fault(directive.line, "unknown directive '{}'", directive.text);
  }
  if (tokens.size() < 2) return fault(directive.line, "{}: expected an argument", directive.text);
  if (tokens.size() > 2) return fault(tokens[2].line, "{}: unexpected '{}'", directive.text, tokens[2].text);
  if (is_word(directive, "$TTL")) {
    TRY(const std::uint32_t written, parse_ttl(tokens[1]));
    state_.default_ttl = ttl_in_range(written, tokens[1].line);
  } else {
    TRY(origin_, name_of(tokens[1]));
  }
  return {};
}

OrFault<> Reader::generate(Tokens tokens) {
  const unsigned line = tokens.front().line;
  if (tokens.size() < 4) return fault(line, "$GENERATE: expected a range, an owner, a type and data");
  TRY(const GenerateRange range, parse_range(tokens[1]));
  state_.generated += (range.stop - range.start) / range.step + 1;
  if (state_.generated > kMaxGeneratedInAll) {
    return over(line, "$GENERATE: more than {} records in all", kMaxGeneratedInAll);
  }
  std::string text;
  Entry entry;
  for (std::uint64_t value = range.start; value <= range.stop; value += range.step) {
    TRY(generate_record(tokens, static_cast<std::uint32_t>(value), text, entry));
  }
  return {};
}

// `text` and `entry` are room for it.
OrFault<> Reader::generate_record(Tokens tokens, std::uint32_t value, std::string& text, Entry& entry) {
  const unsigned line = tokens.front().line;
  const auto is_ttl_or_class = [](const Token& token) { return starts_number(token) || dns::parse_class(token.text); };
  const auto type = std::find_if_not(tokens.begin() + 3, tokens.end(), is_ttl_or_class);
  text.clear();
  for (const Token& token : tokens.subspan(2)) {
    const bool all_data = token.quoted && tokens.end() - type == 2 && &token == &tokens.back();
    TRY(append_generated(token, value, all_data, text));
    text += ' ';
  }
  Lexer lexer(text);
  Entry rest;
  const auto read = lexer.next(entry);
  if (!read) return fault(line, "$GENERATE: {}", read.error().text);
  const auto more = lexer.next(rest);
  if (!*read || !more || *more) return fault(line, "$GENERATE: expected an owner, a type and data");
  for (Token& token : entry.tokens) token.line = line;
  return read_record(entry.tokens, false);
}

OrFault<> Reader::include(Tokens tokens) {
  const unsigned line = tokens.front().line;
  if (tokens.size() < 2) return fault(line, "$INCLUDE: expected a file");
  if (tokens.size() > 3) return fault(tokens[3].line, "$INCLUDE: unexpected '{}'", tokens[3].text);
  if (depth_ == kMaxDepth) return fault(line, "$INCLUDE: files are nested more than {} deep", kMaxDepth);
  if (++state_.includes > kMaxIncludes) return over(line, "$INCLUDE: more than {} files", kMaxIncludes);
  dns::Name origin = origin_;
  if (tokens.size() == 3) {
    TRY(origin, name_of(tokens[2]));
  }
  std::vector<std::uint8_t> file;
  TRY(unescape(tokens[1], file));
  const std::string path = (std::filesystem::path(name_).parent_path() / as_text(file)).string();
  const auto text = read_whole_file(path, kMaxFile);
  if (!text) return fault(line, "$INCLUDE: {}", text.error().text());
  state_.included_bytes += text->size();
  if (state_.included_bytes > kMaxIncludedBytes) return over(line, "$INCLUDE: more than 4 GiB in all");
  Reader(state_, path, origin, owner_, depth_ + 1).read(*text);
  report().enter(name_, line);
  return {};
}

}  // namespace

Result<> read_text(std::string_view text, const std::string& name, dns::NameView origin, zone::Builder& into) {
  ReaderState state{.into = into};
  Reader(state, name, origin, Owner{}, 1).read(text);
  return into.finish();
}

Result<> read_file(const std::string& path, dns::NameView origin, zone::Builder& into) {
  TRY(const std::string text, read_whole_file(path, kMaxFile));
  return read_text(text, path, origin, into);
}

}  // namespace swage::zonefile
