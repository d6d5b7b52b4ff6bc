#include "core/dns/zone_file.h"

#include <strings.h>

#include <filesystem>
#include <optional>

#include "core/dns/zone_generate.h"
#include "core/dns/zone_lexer.h"
#include "core/dns/zone_rdata.h"
#include "core/dns/zone_text.h"
#include "core/whole_file.h"

namespace swage::dns {
namespace {

// What $INCLUDE may do: files that include each other twice and more would never end otherwise.
constexpr unsigned kMaxDepth = 16;  // files that include files
constexpr unsigned kMaxIncludes = 10'000;
constexpr std::size_t kMaxFile = std::size_t{4} << 30;  // bytes
constexpr std::size_t kMaxIncludedBytes = std::size_t{4} << 30;

// The commonest types, without a search.
std::optional<Type> common_type(std::string_view text) {
  if (text == "A") return Type::a;
  if (text == "AAAA") return Type::aaaa;
  if (text == "NS") return Type::ns;
  if (text == "RRSIG") return Type::rrsig;
  if (text == "NSEC") return Type::nsec;
  if (text == "NSEC3") return Type::nsec3;
  if (text == "TXT") return Type::txt;
  return {};
}

std::optional<Type> type_of(std::string_view text) {
  if (const auto type = common_type(text)) return type;
  const auto type = parse_type(text);
  return type ? std::optional(*type) : std::nullopt;
}

bool is_word(const ZoneToken& token, std::string_view word) {
  return token.text.size() == word.size() && strncasecmp(token.text.data(), word.data(), word.size()) == 0;
}

bool starts_number(const ZoneToken& token) {
  return !token.text.empty() && token.text[0] >= '0' && token.text[0] <= '9';
}

// What a reader keeps from file to file: the TTLs, room for the data of a record, and what was included so far.
struct ReaderState {
  ZoneBuilder& into;
  std::optional<std::uint32_t> default_ttl{};  // $TTL
  std::optional<std::uint32_t> last_ttl{};
  std::vector<std::uint8_t> rdata{};
  unsigned includes = 0;
  std::size_t included_bytes = 0;
};

// One file, or the text that a $GENERATE stands for.
class ZoneReader {
 public:
  ZoneReader(ReaderState& state, std::string name, NameView origin, unsigned depth)
      : state_(state), name_(std::move(name)), origin_(origin), depth_(depth) {}

  Result<> read(std::string_view text) {
    ZoneLexer lexer(text);
    ZoneEntry entry;
    while (true) {
      const auto more = lexer.next(entry);
      if (!more) return at(more.error());
      if (!*more) return {};
      TRY(read_entry(entry));
    }
  }

 private:
  using Tokens = std::span<const ZoneToken>;

  std::unexpected<Error> at(const ZoneFault& fault) const {
    return std::unexpected(Error::at(name_, fault.line, fault.text));
  }
  Result<> read_entry(const ZoneEntry& entry) {
    const ZoneToken& first = entry.tokens.front();
    const bool is_directive = !entry.indented && !first.quoted && first.text.starts_with('$');
    if (is_directive && is_word(first, "$INCLUDE")) return include(entry.tokens);
    const auto done = !is_directive                 ? read_record(entry.tokens, entry.indented)
                      : is_word(first, "$GENERATE") ? generate(entry.tokens)
                                                    : directive(entry.tokens);
    return done ? Result<>{} : at(done.error());
  }
  ZoneResult<> read_record(Tokens tokens, bool indented);
  ZoneResult<std::uint32_t> ttl_of(std::optional<std::uint32_t> written, const ZoneToken& type_token, Type type);
  ZoneResult<> directive(Tokens tokens);
  ZoneResult<> generate(Tokens tokens);
  Result<> include(Tokens tokens);
  ZoneResult<Name> name_of(const ZoneToken& token) const;

  ReaderState& state_;
  std::string name_;
  Name origin_;
  unsigned depth_;
  std::array<std::uint8_t, kMaxName> owner_;
  std::size_t owner_size_ = 0;  // 0: none yet
};

ZoneResult<> ZoneReader::read_record(Tokens tokens, bool indented) {
  const unsigned line = tokens.front().line;
  if (!indented) {
    TRY(owner_size_, parse_zone_name(tokens.front(), origin_, owner_.data()));
    tokens = tokens.subspan(1);
  } else if (owner_size_ == 0) {
    return fault(line, "the first record has no owner");
  }
  std::optional<std::uint32_t> ttl;
  bool has_class = false;
  while (!tokens.empty()) {
    const ZoneToken& token = tokens.front();
    if (!ttl && starts_number(token)) {
      TRY(ttl, parse_ttl(token));
    } else if (!has_class && token.text == "IN") {
      has_class = true;
    } else if (common_type(token.text)) {
      break;
    } else if (const auto rclass = parse_class(token.text); !has_class && rclass) {
      if (*rclass != Class::in) return fault(token.line, "class {}: only IN is served", to_string(*rclass));
      has_class = true;
    } else {
      break;
    }
    tokens = tokens.subspan(1);
  }
  if (tokens.empty()) return fault(line, "a record without a type");
  const ZoneToken& type_token = tokens.front();
  const auto type = type_of(type_token.text);
  if (!type) return fault(type_token.line, "unknown type '{}'", type_token.text);
  RdataText text(*type, tokens.subspan(1), type_token.line, origin_, state_.rdata);
  TRY(parse_rdata(text));
  TRY(const std::uint32_t final_ttl, ttl_of(ttl, type_token, *type));
  const auto added = state_.into.add({owner_.data(), owner_size_}, *type, final_ttl, state_.rdata);
  if (!added) return fault(line, "{}", added.error().text());
  return {};
}

// Written, or that of $TTL, or the last one written (RFC 1035), or a SOA's minimum (as in BIND).
ZoneResult<std::uint32_t> ZoneReader::ttl_of(std::optional<std::uint32_t> written, const ZoneToken& type_token,
                                             Type type) {
  if (written) {
    state_.last_ttl = written;
    return *written;
  }
  if (state_.default_ttl) return *state_.default_ttl;
  if (state_.last_ttl) return *state_.last_ttl;
  if (type != Type::soa) return fault(type_token.line, "a record without a TTL, and no $TTL or other TTL before it");
  state_.last_ttl = load_u32(&state_.rdata[state_.rdata.size() - 4]);
  return *state_.last_ttl;
}

ZoneResult<Name> ZoneReader::name_of(const ZoneToken& token) const {
  std::array<std::uint8_t, kMaxName> bytes;
  TRY(const std::size_t size, parse_zone_name(token, origin_, bytes.data()));
  return Name(NameView(bytes.data(), size));
}

ZoneResult<> ZoneReader::directive(Tokens tokens) {
  const ZoneToken& directive = tokens.front();
  if (!is_word(directive, "$ORIGIN") && !is_word(directive, "$TTL")) {
    return fault(directive.line, "unknown directive '{}'", directive.text);
  }
  if (tokens.size() < 2) return fault(directive.line, "{}: expected an argument", directive.text);
  if (tokens.size() > 2) return fault(tokens[2].line, "{}: unexpected '{}'", directive.text, tokens[2].text);
  if (is_word(directive, "$TTL")) {
    TRY(state_.default_ttl, parse_ttl(tokens[1]));
  } else {
    TRY(origin_, name_of(tokens[1]));
  }
  return {};
}

ZoneResult<> ZoneReader::generate(Tokens tokens) {
  const unsigned line = tokens.front().line;
  if (tokens.size() < 4) return fault(line, "$GENERATE: expected a range, an owner, a type and data");
  TRY(const GenerateRange range, parse_range(tokens[1]));
  std::string text;
  ZoneEntry entry;
  for (std::uint64_t value = range.start; value <= range.stop; value += range.step) {
    text.clear();
    for (const ZoneToken& token : tokens.subspan(2)) {
      if (token.quoted) text += '"';
      TRY(append_generated(token, static_cast<std::uint32_t>(value), text));
      text += token.quoted ? "\" " : " ";
    }
    ZoneLexer lexer(text);
    TRY(const bool read, lexer.next(entry));
    if (!read) return fault(line, "$GENERATE: expected an owner, a type and data");
    for (ZoneToken& token : entry.tokens) token.line = line;
    TRY(read_record(entry.tokens, false));
  }
  return {};
}

Result<> ZoneReader::include(Tokens tokens) {
  const unsigned line = tokens.front().line;
  if (tokens.size() < 2) return at({line, "$INCLUDE: expected a file"});
  if (tokens.size() > 3) return at({tokens[3].line, fmt::format("$INCLUDE: unexpected '{}'", tokens[3].text)});
  if (depth_ == kMaxDepth) return at({line, fmt::format("$INCLUDE: files are nested more than {} deep", kMaxDepth)});
  if (++state_.includes > kMaxIncludes) return at({line, fmt::format("$INCLUDE: more than {} files", kMaxIncludes)});
  Name origin = origin_;
  if (tokens.size() == 3) {
    const auto written = name_of(tokens[2]);
    if (!written) return at(written.error());
    origin = *written;
  }
  std::vector<std::uint8_t> file;
  if (const auto written = unescape(tokens[1], file); !written) return at(written.error());
  const std::string path = (std::filesystem::path(name_).parent_path() / as_text(file)).string();
  const auto text = read_whole_file(path, kMaxFile);
  if (!text) return at({line, fmt::format("$INCLUDE: {}", text.error().text())});
  state_.included_bytes += text->size();
  if (state_.included_bytes > kMaxIncludedBytes) return at({line, "$INCLUDE: more than 4 GiB in all"});
  return ZoneReader(state_, path, origin, depth_ + 1).read(*text);
}

}  // namespace

Result<> read_zone_text(std::string_view text, const std::string& name, NameView origin, ZoneBuilder& into) {
  ReaderState state{.into = into};
  TRY(ZoneReader(state, name, origin, 1).read(text));
  const auto finished = into.finish();
  if (!finished) return fail("{}: {}", name, finished.error().text());
  return {};
}

Result<> read_zone_file(const std::string& path, NameView origin, ZoneBuilder& into) {
  TRY(const std::string text, read_whole_file(path, kMaxFile));
  return read_zone_text(text, path, origin, into);
}

}  // namespace swage::dns
