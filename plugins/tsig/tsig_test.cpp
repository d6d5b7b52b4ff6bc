#include "plugins/tsig/tsig.h"

#include <array>
#include <span>

#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::tsig {
namespace {

using namespace std::chrono_literals;
using swage::tsig::OwnKey;
using swage::tsig::Signer;
using swage::tsig::Status;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"tsig", &setup}};
constexpr std::string_view kSecret = "NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk=";
const std::string kCorefile = formatted("example.org {{\n tsig {{\n  secret key.example. {}\n }}\n}}", kSecret);

std::string setup_error(std::string_view lines) {
  return PluginHarness::setup_error(kPlugins, formatted("example.org {{\n tsig {{\n{}\n }}\n}}", lines));
}

TEST_CASE("tsig: setup") {
  CHECK(PluginHarness::setup_error(kPlugins, kCorefile) == "");
  CHECK(setup_error("secret a MTIzNA== HMAC-SHA512.\n require AXFR IXFR\n require_opcode notify UPDATE") == "");
  CHECK(setup_error("require none") == "");
  CHECK(setup_error("secret a") == "Corefile:3: tsig: secret: expected a secret in base64 after 'a'");
  CHECK(setup_error("secret a MTIzNA") == "Corefile:3: tsig: secret: the secret of 'a.' is not valid base64");
  CHECK(setup_error("secret a MTIzNA==\nsecret A. MTIzNA==") == "Corefile:4: tsig: secret: there are two keys 'a.'");
  CHECK(setup_error("secret . MTIzNA==") == "Corefile:3: tsig: secret: '.' is not a name for a key");
  CHECK(setup_error("secret a MTIzNA== hmac-md5").starts_with("Corefile:3: tsig: secret: 'hmac-md5' is not a TSIG"));
  CHECK(setup_error("require") == "Corefile:3: tsig: expected types, all or none after 'require'");
  CHECK(setup_error("require NOPE") == "Corefile:3: tsig: require: unknown record type 'NOPE'");
  CHECK(setup_error("require_opcode STATUS") ==
        "Corefile:3: tsig: require_opcode: 'STATUS' is not an opcode that is answered here; they are QUERY, NOTIFY and "
        "UPDATE");
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n tsig\n tsig\n}") ==
        "Corefile:3: tsig: stands twice in a server block");
}

// What the rest of the chain says: who has signed.
Result<Outcome> rest(const Query& query, Response& response) {
  return answer_text(query, response, 60, query.tsig_key.to_string());
}

// A server, and a client who signs what it asks.
class Conversation {
 public:
  explicit Conversation(const std::string& corefile) : harness_(kPlugins, corefile, rest) {}

  Service& service() { return harness_.service(); }
  std::string prepare() { return harness_.prepare(); }

  // "NOERROR key.example.", and what the client says of the response's signature. `time`: how far its clock is off.
  std::string ask(std::string_view key, std::string_view secret, std::string_view algorithm = "", int time = 0) {
    const OwnKey own = OwnKey::make(key, algorithm, secret).value();
    Signer signer(own.key());
    std::vector<std::uint8_t> request = question();
    const std::size_t size = request.size(), room = signer.room();
    request.resize(size + room);
    const std::uint64_t now = swage::tsig::wall_clock() + static_cast<std::uint64_t>(static_cast<std::int64_t>(time));
    request.resize(signer.sign(request, size, now));
    const std::vector<std::uint8_t> response = respond(request);
    swage::tsig::Verifier verifier(own.key(), signer.mac());
    const Status status = verifier.verify(response, now);
    return formatted("{}, {} error {}", text(response),
                     status == Status::none   ? "unsigned"
                     : status == Status::good ? "good"
                                              : to_string(status),
                     verifier.error());
  }
  std::string ask() { return text(respond(question())); }

  std::uint8_t opcode = 0;
  std::string name = "\1a\7example\3org";
  std::uint8_t qtype = 16;

  std::vector<std::uint8_t> respond(std::span<const std::uint8_t> request) {
    server::Responder responder;
    std::array<std::uint8_t, 1232> out{};
    const auto& router = harness_.configuration().listeners.begin()->second;
    const std::size_t size = responder.respond(router, request, harness_.arrival, out);
    return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
  }

  std::vector<std::uint8_t> question() const {
    std::vector<std::uint8_t> bytes = {0x12, 0x34, static_cast<std::uint8_t>(opcode << 3), 0, 0, 1, 0, 0, 0, 0, 0, 0};
    bytes.insert(bytes.end(), name.begin(), name.end());
    bytes.insert(bytes.end(), {0, 0, qtype, 0, 1});
    return bytes;
  }

 private:
  static std::string text(const std::vector<std::uint8_t>& response) {
    if (response.size() < 12) return "nothing";
    std::string text = dns::to_string(static_cast<dns::Rcode>(response[3] & 15));
    if ((response[2] & 2) != 0) text += " TC";
    for (const std::string_view signer : {"key.example.", "second."}) {
      if (as_text(response).find(formatted("{}{}", static_cast<char>(signer.size()), signer)) != std::string::npos) {
        text += formatted(" {}", signer);
      }
    }
    return text;
  }

  PluginHarness harness_;
};

TEST_CASE("tsig: a signed query is answered signed, and the chain knows by whom") {
  Conversation client(kCorefile);
  CHECK(client.ask() == "NOERROR");
  CHECK(client.ask("KEY.example", kSecret) == "NOERROR key.example., good error 0");
  client.qtype = 252;
  CHECK(client.ask("key.example", kSecret).starts_with("NOERROR"));
  client.opcode = 4;
  client.qtype = 6;
  CHECK(client.ask("key.example", kSecret).ends_with(", good error 0"));
}

TEST_CASE("tsig: what is signed wrongly is not authorised, and the response says why") {
  Conversation client(kCorefile);
  CHECK(client.ask("stranger", kSecret) == "NOTAUTH, BADKEY error 17");
  CHECK(client.ask("key.example", "AAAA") == "NOTAUTH, BADSIG error 16");
  CHECK(client.ask("key.example", kSecret, "hmac-sha512") == "NOTAUTH, BADKEY error 17");
  CHECK(client.ask("key.example", kSecret, "", 3600) == "NOTAUTH, good error 18");
  CHECK(client.ask("key.example", kSecret, "", -3600) == "NOTAUTH, good error 18");
  CHECK(client.ask("key.example", kSecret, "hmac-sha256-128") == "NOTAUTH, good error 22");
}

TEST_CASE("tsig: where no key is known, a signed query is not authorised") {
  Conversation without("example.org {\n}");
  CHECK(without.ask() == "NOERROR");
  CHECK(without.ask("key.example", kSecret) == "NOTAUTH, BADKEY error 17");
  Conversation elsewhere("example.org {\n tsig example.net {\n  secret key.example. " + std::string(kSecret) +
                         "\n }\n}");
  CHECK(elsewhere.ask() == "NOERROR");
  CHECK(elsewhere.ask("key.example", kSecret) == "NOTAUTH, BADKEY error 17");
}

TEST_CASE("tsig: what has to be signed") {
  const auto corefile = [](std::string_view lines) {
    return formatted("example.org {{\n tsig {{\n  secret key.example. {}\n {}\n }}\n}}", kSecret, lines);
  };
  Conversation txt(corefile("require TXT MX"));
  CHECK(txt.ask() == "REFUSED");
  CHECK(txt.ask("key.example", kSecret) == "NOERROR key.example., good error 0");
  txt.qtype = 1;
  CHECK(txt.ask() == "NOERROR");
  Conversation all(corefile("require all"));
  CHECK(all.ask() == "REFUSED");
  all.opcode = 5;
  CHECK(all.ask() == "REFUSED");
  Conversation notify(corefile("require_opcode NOTIFY"));
  CHECK(notify.ask() == "NOERROR");
  notify.opcode = 4;
  CHECK(notify.ask() == "REFUSED");
}

TEST_CASE("tsig: a signature finds room, also where names are long") {
  const std::string long_name = std::string(60, 'k') + "." + std::string(60, 'k') + ".example";
  Conversation client(formatted("example.org {{\n tsig {{\n  secret {} {}\n }}\n}}", long_name, kSecret));
  CHECK(client.ask(long_name, kSecret) == "NOERROR, good error 0");
  const std::string longer =
      std::string(60, 'k') + "." + std::string(60, 'k') + "." + std::string(60, 'k') + "." + std::string(60, 'k');
  Conversation no_room(formatted("example.org {{\n tsig {{\n  secret {} {}\n }}\n}}", longer, kSecret));
  for (int i = 0; i < 3; ++i) no_room.name = std::string(1, 60) + std::string(60, 'a') + no_room.name;
  CHECK(no_room.ask(longer, kSecret) == "NOERROR TC, unsigned error 0");
}

TEST_CASE("tsig: keys of files, which are followed") {
  const tests::Folder folder;
  const auto file = [](std::string_view name) {
    return formatted("key \"{}\" {{\n algorithm hmac-sha256;\n secret \"{}\";\n}};\n", name, kSecret);
  };
  const std::string path = folder.write("keys", file("key.example"));
  const std::string corefile =
      formatted("example.org {{\n tsig {{\n  secrets {}\n  secret third {}\n }}\n}}", path, kSecret);
  Conversation client(corefile);
  CHECK(client.ask("key.example", kSecret) == "NOTAUTH, BADKEY error 17");
  REQUIRE(client.prepare() == "");
  CHECK(client.ask("key.example", kSecret) == "NOERROR key.example., good error 0");
  CHECK(client.ask("third", kSecret) == "NOERROR, good error 0");
  CHECK(client.ask("second", kSecret) == "NOTAUTH, BADKEY error 17");

  static_cast<void>(folder.write("keys", file("THIRD")));
  CHECK(Conversation(corefile).prepare() == "Corefile:2: " + path + ": the key 'third.' is in the Corefile, too");
  static_cast<void>(folder.write("keys", "key a {\n secret x;\n};"));
  CHECK(Conversation(corefile).prepare() == "Corefile:2: " + path + ":3: the secret of 'a.' is not valid base64");
  CHECK(client.prepare() == "");  // of the process before: they stay
  CHECK(client.ask("key.example", kSecret) == "NOERROR key.example., good error 0");
}

}  // namespace
}  // namespace swage::plugins::tsig
