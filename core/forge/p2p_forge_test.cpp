// What becomes of p2p-forge's directives: the whole Corefile as text, and what is refused.
#include "core/forge/p2p_forge.h"

#include <map>
#include <string>

#include "core/config/corefile_text.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::forge {
namespace {

constexpr config::Translation kTranslations[] = {translate_p2p_forge};

using Environment = std::map<std::string, std::string>;

// What `corefile` is in swage's own directives, the warnings in front; or why it is refused. `present`: files and
// folders ("folder/.") that are there.
std::string native(const std::string& corefile, const std::vector<std::string>& present = {},
                   const Environment& environment = {}) {
  config::Sources sources;
  sources.add("Corefile", corefile);
  for (const std::string& path : present) sources.add(path, "");
  for (const auto& [name, value] : environment) sources.set_env(name, value);
  const auto blocks = config::parse(sources, "Corefile", kTranslations);
  if (!blocks) return blocks.error().text();
  std::string text;
  for (const std::string& warning : sources.warnings()) text += "warning: " + warning + "\n";
  return text + config::to_text(*blocks);
}

std::string acme(const std::string& inner) {
  return native("libp2p.direct {\n acme libp2p.direct {\n" + inner + "\n }\n}");
}

}  // namespace

TEST_CASE("p2p-forge: the directives of local development") {
  CHECK(native(R"(libp2p.direct {
    log
    prometheus localhost:9253
    ipparser libp2p.direct # names
    file zones/libp2p.direct
    acme libp2p.direct {
        registration-domain registration.libp2p.direct listen-address=:5380 external-tls=true
        database-type badger badger.libp2p-direct-challenges
    }
}
)") == R"(libp2p.direct {
    log
    prometheus localhost:9253
    ipsubdomain libp2p.direct
    file zones/libp2p.direct
    acme-txt libp2p.direct {
        store memory badger.libp2p-direct-challenges
    }
    broker registration.libp2p.direct {
        listen :5380
        tls off
        trusted-proxy 0.0.0.0/0 ::/0
        limit client off
    }
}
)");
}

TEST_CASE("p2p-forge: a block without 'file' gets the zone from which p2p-forge reads its SOA record") {
  CHECK(native(".:53 {\n acme a.test\n ipparser a.test\n ipparser b.test\n errors\n}") ==
        "warning: Corefile:2: acme: no registration-domain, so nobody can register\n"
        ".:53 {\n    acme-txt a.test\n    ipsubdomain a.test\n    ipsubdomain b.test\n    file zones/a.test a.test\n"
        "    file zones/b.test b.test\n    errors\n}\n");
}

TEST_CASE("p2p-forge: a certificate by ACME, or from the environment, where no proxy ends TLS") {
  const std::string corefile = "a.test {\n acme a.test {\n  registration-domain r.a.test\n }\n broker-like\n}\n";
  const std::string half =
      "Corefile:3: acme: of the environment variables SWAGE_BROKER_CERT and SWAGE_BROKER_KEY, which name the PEM files "
      "of a certificate, one is not set";
  CHECK(native(corefile) ==
        "a.test {\n    acme-txt a.test\n    broker r.a.test {\n        tls auto\n    }\n    broker-like\n}\n");
  CHECK(native(corefile, {}, {{"SWAGE_BROKER_CERT", "a"}, {"SWAGE_BROKER_KEY", ""}}) == half);
  CHECK(native(corefile, {}, {{"SWAGE_BROKER_KEY", "a"}}) == half);
  CHECK(
      native(corefile, {}, {{"SWAGE_BROKER_CERT", "/etc/full chain.pem"}, {"SWAGE_BROKER_KEY", "/etc/key.pem"}}) ==
      "a.test {\n    acme-txt a.test\n    broker r.a.test {\n        tls \"/etc/full chain.pem\" /etc/key.pem\n    }\n"
      "    broker-like\n}\n");
}

TEST_CASE("p2p-forge: external-tls is read as Go reads it") {
  for (const char* const text : {"1", "t", "T", "TRUE", "true", "True"}) {
    CHECK(
        acme(std::string("registration-domain r.a listen-address=127.0.0.1:80 external-tls=") + text).find("tls off") !=
        std::string::npos);
  }
  for (const char* const text : {"0", "f", "F", "FALSE", "false", "False"}) {
    CHECK(acme(std::string("registration-domain r.a external-tls=") + text).find("tls auto") != std::string::npos);
  }
}

TEST_CASE("p2p-forge: a DynamoDB table; of two databases the last one counts") {
  const std::string unheard = "warning: Corefile:2: acme: no registration-domain, so nobody can register\n";
  const auto store = [](const std::string& what) {
    return "libp2p.direct {\n    acme-txt libp2p.direct {\n        store " + what + "\n    }\n}\n";
  };
  CHECK(acme("database-type dynamo the-table") == unheard + store("dynamodb the-table"));
  CHECK(acme("database-type badger db\ndatabase-type dynamo the-table") == unheard + store("dynamodb the-table"));
  CHECK(acme("database-type dynamo the-table\ndatabase-type badger db") == unheard + store("memory db"));
}

TEST_CASE("p2p-forge: what was badger's folder is left alone, then and later") {
  const std::string corefile = "a.test {\n acme a.test {\n  database-type badger db/\n }\n}\n";
  const std::string unheard = "warning: Corefile:2: acme: no registration-domain, so nobody can register\n";
  const auto with = [](const std::string& path) {
    return "a.test {\n    acme-txt a.test {\n        store memory " + path + "\n    }\n}\n";
  };
  CHECK(native(corefile) == unheard + with("db"));
  CHECK(native(corefile, {"db"}) == unheard + with("db"));  // a file: the store of an earlier start
  const std::string left =
      "warning: Corefile:3: acme: db is a folder, of p2p-forge's badger perhaps: it is neither read nor "
      "changed; the challenges are in db.swage\n";
  CHECK(native(corefile, {"db/."}) == left + unheard + with("db.swage"));
  CHECK(native(corefile, {"db/.", "db.swage"}) == left + unheard + with("db.swage"));
  CHECK(native(corefile, {"db.swage"}) == unheard + with("db.swage"));
}

TEST_CASE("p2p-forge: a relative path is looked for where the store will be") {
  CHECK(native("a.test {\n root /srv\n acme a.test {\n  database-type badger db\n }\n}\n", {"/srv/db/."})
            .find("store memory db.swage\n") != std::string::npos);
  CHECK(native("a.test {\n root /srv\n acme a.test {\n  database-type badger /db\n }\n}\n", {"/srv/db/."})
            .find("store memory /db\n") != std::string::npos);
  CHECK(native("a.test {\n acme a.test {\n  database-type badger d[b\n }\n}\n", {"d[b/."})
            .find("store memory d[b.swage\n") != std::string::npos);
}

TEST_CASE("p2p-forge: directives of both kinds in one block are one directive") {
  CHECK(native("a.test, b.test {\n ipsubdomain a.test\n log\n ipparser b.test\n file z\n}") ==
        "a.test, b.test {\n    ipsubdomain a.test\n    ipsubdomain b.test\n    log\n    file z\n}\n");
}

TEST_CASE("p2p-forge: what came of its directives is still known by their names") {
  config::Sources sources;
  sources.add("Corefile", "a {\n log\n ipparser a\n acme a {\n registration-domain b.a external-tls=true\n }\n}");
  const auto blocks = config::parse(sources, "Corefile", kTranslations);
  REQUIRE(blocks);
  std::string text;
  for (const config::Directive& each : blocks->at(0).directives) text += each.name.text + "=" + each.known_as + " ";
  CHECK(text == "log= ipsubdomain=ipparser file= acme-txt=acme broker=acme ");
}

TEST_CASE("p2p-forge: what is not translated has no mark") {
  config::Sources sources;
  sources.add("Corefile", "a.test {\n log\n}\nb.test {\n ipparser b.test\n}\n");
  const auto blocks = config::parse(sources, "Corefile", kTranslations);
  REQUIRE(blocks);
  CHECK_FALSE(blocks->front().translated);
  CHECK(blocks->back().translated);
}

TEST_CASE("p2p-forge: words of values that would be braces stay words") {
  CHECK(native("a.test {\n acme a.test {\n  registration-domain r.a listen-address={$X} external-tls=1\n }\n}\n", {},
               {{"X", "{"}})
            .find("        listen \"{\"\n") != std::string::npos);
}

TEST_CASE("p2p-forge: errors name the line of what is wrong") {
  CHECK(native("a {\n ipparser\n}") == "Corefile:2: ipparser: expected the domain of the forge after 'ipparser'");
  CHECK(native("a {\n ipparser a b\n}") == "Corefile:2: ipparser: unexpected 'b'; expected the end of the line");
  CHECK(native("a {\n acme {\n }\n}") == "Corefile:2: acme: expected the domain of the forge after 'acme'");
  CHECK(native("a {\n acme a\n acme a\n}") == "Corefile:3: acme: stands twice in a server block");
  CHECK(acme("registraton-domain x") ==
        "Corefile:3: acme: unknown property 'registraton-domain'; did you mean 'registration-domain'?");
  CHECK(acme("registration-domain") == "Corefile:3: acme: expected a domain after 'registration-domain'");
  const std::string options = "; expected listen-address=ADDRESS:PORT or external-tls=true|false";
  CHECK(acme("registration-domain x y") == "Corefile:3: acme: registration-domain: unexpected 'y'" + options);
  CHECK(acme("registration-domain x listen-address") ==
        "Corefile:3: acme: registration-domain: unexpected 'listen-address'" + options);
  CHECK(acme("registration-domain x external-tls=yes") ==
        "Corefile:3: acme: registration-domain: 'yes' is not true or false");
  CHECK(acme("database-type") == "Corefile:3: acme: expected badger PATH or dynamo TABLE after 'database-type'");
  CHECK(acme("database-type redis x") ==
        "Corefile:3: acme: database-type: unknown database type 'redis'; expected badger PATH or dynamo TABLE");
  CHECK(acme("database-type badger") == "Corefile:3: acme: database-type: expected a path after 'badger'");
  CHECK(acme("database-type badger //") == "Corefile:3: acme: database-type: '//' is not a valid path of a store");
  CHECK(acme("database-type badger x y") ==
        "Corefile:3: acme: database-type: unexpected 'y'; expected the end of the line");
  CHECK(acme("database-type dynamo") == "Corefile:3: acme: database-type: expected a table after 'dynamo'");
  CHECK(acme("database-type dynamo x y") ==
        "Corefile:3: acme: database-type: unexpected 'y'; expected the end of the line");
}

TEST_CASE("p2p-forge: all errors are told at once") {
  CHECK(native(". {\n ipparser\n acme a {\n  nonsense\n }\n}\nb {\n acme b {\n  database-type x\n }\n}\n") ==
        "Corefile:2: ipparser: expected the domain of the forge after 'ipparser'\n"
        "Corefile:4: acme: unknown property 'nonsense'; expected registration-domain, database-type\n"
        "Corefile:9: acme: database-type: unknown database type 'x'; expected badger PATH or dynamo TABLE");
}

TEST_CASE("p2p-forge: the parser knows nothing of its directives by itself") {
  config::Sources sources;
  sources.add("Corefile", ". {\n ipparser\n}\n");
  const auto blocks = config::parse(sources, "Corefile");
  REQUIRE(blocks);
  CHECK_FALSE(blocks->front().translated);
  CHECK(blocks->front().directives.front().name.text == "ipparser");
}

}  // namespace swage::forge
