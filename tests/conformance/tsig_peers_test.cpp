// Signed queries of BIND's dig, over UDP and TCP, to a server with keys.
#include <string>

#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::tests;

namespace {

constexpr std::string_view kSecret = "NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk=";

constexpr std::string_view kCorefile = R"(signed.example:@PORT@ {
    bind 127.0.0.1
    tsig {
        secret a.key NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk=
        secret large.key NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk= hmac-sha512
        secret short.key NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk= hmac-sha256-128
        secrets @FOLDER@/keys
        require TXT
    }
    template IN ANY {
        answer "{{ .Name }} 60 IN TXT @TEXT@"
        answer "{{ .Name }} 60 IN TXT b@TEXT@"
    }
}
plain.example:@PORT@ {
    bind 127.0.0.1
    whoami
}
)";

// What dig says: the status, whether it believes the signature, and its warnings.
std::string dig(const Server& server, const std::string& name, const std::string& key,
                std::vector<std::string> more = {}) {
  Command command{{"dig", "@127.0.0.1", "-p", std::to_string(server.port()), "+tries=1", "+noedns", name}};
  if (!key.empty()) command.arguments.insert(command.arguments.end(), {"-y", key});
  command.arguments.insert(command.arguments.end(), more.begin(), more.end());
  const auto output = run(command);
  if (!output) return "nothing";
  const auto word_after = [&](const std::string& what) {
    const std::size_t at = output->find(what);
    return at == std::string::npos
               ? std::string()
               : output->substr(at + what.size(), output->find_first_of(", \n", at + what.size()) - at - what.size());
  };
  std::string said = word_after("status: ");
  if (output->find("Couldn't verify signature") != std::string::npos) said += " unverified";
  if (output->find("TSIG PSEUDOSECTION") != std::string::npos) said += " signed";
  for (const char* const error : {"BADKEY", "BADSIG", "BADTIME", "BADTRUNC"}) {
    if (output->find(error) != std::string::npos) said += std::string(" ") + error;
  }
  if (output->find("flags: qr aa tc") != std::string::npos) said += " tc";
  return said;
}

std::string key(const std::string& name, const std::string& algorithm = "hmac-sha256") {
  return algorithm + ":" + name + ":" + std::string(kSecret);
}

}  // namespace

TEST_CASE("tsig: dig believes what is signed, and is told what is wrong") {
  std::string corefile(kCorefile);
  for (std::size_t at; (at = corefile.find("@TEXT@")) != std::string::npos;) corefile.replace(at, 6, 200, 't');
  Server server(corefile, {.wait = false});
  static_cast<void>(server.folder().write("keys", "key \"file.key\" { secret \"" + std::string(kSecret) + "\"; };"));
  const auto answers = [&] { return dig(server, "x.signed.example", key("file.key")) == "NOERROR signed"; };
  REQUIRE(wait_until(answers, Milliseconds(20000)));
  for (const auto& transport : {std::vector<std::string>{}, std::vector<std::string>{"+tcp"}}) {
    const auto ask = [&](const std::string& key) { return dig(server, "x.signed.example", key, transport); };
    CHECK(ask("") == "NOERROR");
    CHECK(ask(key("a.key")) == "NOERROR signed");
    CHECK(ask(key("A.Key")) == "NOERROR signed");
    CHECK(ask(key("large.key", "hmac-sha512")) == "NOERROR signed");
    CHECK(ask(key("short.key", "hmac-sha256-128")) == "NOERROR signed");
    CHECK(ask(key("a.key", "hmac-sha256-128")) == "NOTAUTH unverified signed BADTRUNC");
    CHECK(ask(key("a.key", "hmac-sha512")) == "NOTAUTH unverified signed BADKEY");
    CHECK(ask(key("stranger.key")) == "NOTAUTH unverified signed BADKEY");
    CHECK(ask("hmac-sha256:a.key:AAAA") == "NOTAUTH unverified signed BADSIG");
    CHECK(dig(server, "x.signed.example", key("a.key"), {"+fuzztime=1000000000"}) ==
          "NOTAUTH unverified signed BADTIME");
    CHECK(dig(server, "x.plain.example", key("a.key"), transport) == "NOTAUTH unverified signed BADKEY");
    CHECK(dig(server, "x.plain.example", "", transport) == "NOERROR");
  }
  CHECK(dig(server, "x.signed.example", "", {"TXT"}) == "REFUSED");
  CHECK(dig(server, "x.signed.example", key("a.key"), {"TXT"}) == "NOERROR signed");
  CHECK(dig(server, "x.signed.example", key("a.key"), {"TXT", "+ignore"}) == "NOERROR signed tc");  // 512 bytes
  CHECK(dig(server, "x.signed.example", key("a.key"), {"TXT", "+tcp"}) == "NOERROR signed");
}
