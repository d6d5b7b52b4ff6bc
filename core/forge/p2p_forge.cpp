#include "core/forge/p2p_forge.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/config/dispenser.h"
#include "core/config/values.h"

namespace swage::forge {
namespace {

using config::Directive;
using config::Dispenser;
using config::ServerBlock;
using config::Sources;
using config::Token;

// The broker's certificate where no proxy ends TLS and it is not to be got by ACME, as p2p-forge gets it.
constexpr const char* kCertificateVariable = "SWAGE_BROKER_CERT";
constexpr const char* kKeyVariable = "SWAGE_BROKER_KEY";

using Directives = std::vector<Directive>;

Directives::iterator find(ServerBlock& block, std::string_view name) {
  return std::ranges::find_if(block.directives, [name](const Directive& each) { return each.name.text == name; });
}

// A directive of swage's own in the making. Its tokens stand where those stand that it is made from.
class Native {
 public:
  // NAME ARGUMENT…
  Native(const Token& at, std::string name, std::initializer_list<std::string> arguments) {
    line(at, std::move(name), arguments);
  }

  void line(const Token& at, std::string word, std::initializer_list<std::string> arguments) {
    tokens_.push_back({std::move(word), at.file, at.line, false, true});
    for (const std::string& each : arguments) tokens_.push_back({each, at.file, at.line, true, false, false, at.unset});
  }
  void open(const Token& at) { tokens_.push_back({"{", at.file, at.line, false, false}); }
  void close(const Token& at) { tokens_.push_back({"}", at.file, at.line, false, true}); }

  // Into `block` before `place`; after what the block has of this directive already. Returns the new place.
  // `known_as`: what the Corefile calls it.
  std::size_t put(ServerBlock& block, std::size_t place, const std::string& known_as = {}) {
    const auto present = find(block, tokens_.front().text);
    if (present != block.directives.end()) {
      present->tokens.insert(present->tokens.end(), tokens_.begin(), tokens_.end());
      return place;
    }
    const Token name = tokens_.front();
    block.directives.insert(block.directives.begin() + static_cast<std::ptrdiff_t>(place),
                            {name, std::move(tokens_), known_as});
    return place + 1;
  }

 private:
  std::vector<Token> tokens_;
};

// What an `acme` says.
struct Acme {
  Token name, domain;
  std::optional<Token> registration;  // the domain of registration-domain
  std::string listen;                 // empty: the broker's default, which is p2p-forge's
  bool external_tls = false;
  std::optional<Token> badger;  // its PATH
  std::optional<Token> dynamo;  // its TABLE
};

Error wrong(const Token& at, std::string_view what) { return at.error(fmt::format("acme: {}", what)); }

// NAME [listen-address=ADDRESS] [external-tls=BOOL]
Result<> read_registration(Dispenser& dispenser, Acme& acme) {
  TRY(dispenser.expect_arg("a domain"));
  acme.registration = dispenser.token();
  acme.listen.clear();
  while (dispenser.next_arg()) {
    const std::string_view text = dispenser.val();
    const std::size_t equals = std::min(text.find('='), text.size());
    const std::string_view key = text.substr(0, equals), value = text.substr(std::min(equals + 1, text.size()));
    if (equals < text.size() && key == "listen-address") {
      acme.listen = value;
    } else if (equals < text.size() && key == "external-tls") {
      TRY(acme.external_tls, config::parse_bool(value));
    } else {
      return dispenser.fail("unexpected '{}'; expected listen-address=ADDRESS:PORT or external-tls=true|false", text);
    }
  }
  return {};
}

// badger PATH | dynamo TABLE
Result<> read_database(Dispenser& dispenser, Acme& acme) {
  TRY(const std::string_view type, dispenser.expect_arg("badger PATH or dynamo TABLE"));
  if (type != "badger" && type != "dynamo") {
    return dispenser.fail("unknown database type '{}'; expected badger PATH or dynamo TABLE", type);
  }
  const bool is_badger = type == "badger";
  TRY(const std::string_view name, dispenser.expect_arg(is_badger ? "a path" : "a table"));
  (is_badger ? acme.badger : acme.dynamo) = dispenser.token();
  (is_badger ? acme.dynamo : acme.badger).reset();
  if (is_badger && name.find_first_not_of('/') == std::string_view::npos) {
    return dispenser.fail("'{}' is not a valid path of a store", name);
  }
  return {};
}

Result<Acme> read_acme(Dispenser& dispenser) {
  dispenser.once();
  Acme acme{.name = dispenser.token(), .domain = {}, .registration = {}, .listen = {}, .badger = {}, .dynamo = {}};
  TRY(dispenser.expect_arg("the domain of the forge"));
  acme.domain = dispenser.token();
  TRY(dispenser.read_block({
      {"registration-domain", [&] { return read_registration(dispenser, acme); }},
      {"database-type", [&] { return read_database(dispenser, acme); }},
  }));
  return acme;
}

// Whether there is a file or folder of this very name.
Result<bool> exists(const std::string& path, Sources& sources) {
  std::string pattern;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += '\\';
    pattern += c;
  }
  TRY(const auto found, sources.glob(pattern));
  return !found.empty();
}

// The file of the store of `database-type badger PATH`: PATH, unless that is a folder, badger's say; then, and for
// ever after, PATH.swage.
Result<std::string> store_path(const Token& badger, ServerBlock& block, Sources& sources) {
  std::string path = badger.text;
  while (path.ends_with('/')) path.pop_back();
  const auto root = find(block, "root");
  const bool below_root = !path.starts_with('/') && root != block.directives.end() && root->tokens.size() > 1;
  const std::string on_disk = below_root ? root->tokens[1].text + "/" + path : path;
  std::string beside = path + ".swage";
  TRY(const bool is_folder, exists(on_disk + "/.", sources));
  if (is_folder) {
    sources.warn(wrong(badger, fmt::format("{} is a folder, of p2p-forge's badger perhaps: it is neither read nor "
                                           "changed; the challenges are in {}",
                                           path, beside)));
    return beside;
  }
  TRY(const bool has_been_folder, exists(on_disk + ".swage", sources));
  return has_been_folder ? beside : path;
}

Result<Native> make_store(const Acme& acme, ServerBlock& block, Sources& sources) {
  Native store(acme.name, "acme-txt", {acme.domain.text});
  if (!acme.badger && !acme.dynamo) return store;
  const Token& at = acme.badger ? *acme.badger : *acme.dynamo;
  store.open(acme.name);
  if (acme.badger) {
    TRY(const std::string path, store_path(at, block, sources));
    store.line(at, "store", {"memory", path});
  } else {
    store.line(at, "store", {"dynamodb", at.text});
  }
  store.close(at);
  return store;
}

// REQUIRES: acme.registration
Result<Native> make_broker(const Acme& acme, Sources& sources) {
  const Token& at = *acme.registration;
  Native broker(at, "broker", {at.text});
  broker.open(at);
  if (!acme.listen.empty()) broker.line(at, "listen", {acme.listen});
  if (acme.external_tls) {
    // Everybody comes from the proxy, and p2p-forge believes what X-Forwarded-For says, whoever says it.
    broker.line(at, "tls", {"off"});
    broker.line(at, "trusted-proxy", {"0.0.0.0/0", "::/0"});
    broker.line(at, "limit", {"client", "off"});
  } else {
    const std::string certificate = sources.env(kCertificateVariable).value_or("");
    const std::string key = sources.env(kKeyVariable).value_or("");
    if (certificate.empty() != key.empty()) {
      return std::unexpected(
          wrong(at, fmt::format("of the environment variables {} and {}, which name the PEM files of "
                                "a certificate, one is not set",
                                kCertificateVariable, kKeyVariable)));
    }
    if (certificate.empty()) {
      broker.line(at, "tls", {"auto"});
    } else {
      broker.line(at, "tls", {certificate, key});
    }
  }
  broker.close(at);
  return broker;
}

// Takes a directive out of the block; what comes into its place begins at `place`.
std::optional<Directive> take(ServerBlock& block, std::string_view name, std::size_t& place) {
  const auto found = find(block, name);
  if (found == block.directives.end()) return std::nullopt;
  place = static_cast<std::size_t>(found - block.directives.begin());
  Directive taken = std::move(*found);
  block.directives.erase(found);
  block.translated = true;
  if (std::ranges::any_of(taken.tokens, &Token::broken)) {  // told already
    block.incomplete = true;
    return std::nullopt;
  }
  return taken;
}

Result<> translate_ipparser(Dispenser& dispenser, ServerBlock& block, std::size_t place) {
  const bool has_file = find(block, "file") != block.directives.end();
  while (dispenser.next()) {
    const Token name = dispenser.token();
    TRY(const std::string_view domain, dispenser.expect_arg("the domain of the forge"));
    place = Native(name, "ipsubdomain", {std::string(domain)}).put(block, place, "ipparser");
    // p2p-forge reads its SOA record from there, and does not start without that file.
    if (!has_file) {
      place = Native(name, "file", {fmt::format("zones/{}", domain), std::string(domain)}).put(block, place);
    }
  }
  return {};
}

Result<> translate_acme(Dispenser& dispenser, ServerBlock& block, std::size_t place, Sources& sources) {
  TRY(const Acme acme, read_acme(dispenser));
  TRY(Native store, make_store(acme, block, sources));
  place = store.put(block, place, "acme");
  if (!acme.registration) {
    sources.warn(wrong(acme.name, "no registration-domain, so nobody can register"));
    return {};
  }
  TRY(Native broker, make_broker(acme, sources));
  broker.put(block, place, "acme");
  return {};
}

}  // namespace

void translate_p2p_forge(ServerBlock& block, Sources& sources, config::Errors& errors) {
  const auto translate = [&](std::string_view name, auto&& with) {
    std::size_t place = 0;
    const auto directive = take(block, name, place);
    if (!directive) return;
    Dispenser dispenser(directive->tokens);
    const Result<> translated = with(dispenser, place);
    if (translated) dispenser.finish();
    for (const Error& each : dispenser.errors()) errors.add(each);
    if (!translated) errors.add(dispenser.placed(translated.error()));
    block.incomplete = block.incomplete || !translated || !dispenser.errors().empty();
  };
  translate("ipparser", [&](Dispenser& from, std::size_t place) { return translate_ipparser(from, block, place); });
  translate("acme", [&](Dispenser& from, std::size_t place) { return translate_acme(from, block, place, sources); });
}

}  // namespace swage::forge
