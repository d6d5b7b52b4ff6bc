// What a Corefile means, with plugins that only say that they were asked.
#include <fmt/format.h>

#include "core/server/configuration.h"

#include "core/server/responder.h"

#include <catch2/catch.hpp>

using namespace swage;

namespace {

class Answers : public Plugin {
 public:
  Result<Outcome> serve(const Query&, Response&, Next) const override { return Outcome::send; }
};

// Says NOERROR to what changes or copies zones.
class Changes : public Plugin {
 public:
  Result<Outcome> serve(const Query&, Response& response, Next) const override {
    response.rcode = dns::Rcode::noerror;
    return Outcome::send;
  }
  bool sees(dns::MessageKind kind) const override {
    return kind == dns::MessageKind::update || kind == dns::MessageKind::transfer;
  }
};

// "NOERROR", "NOTIMP" …, with " header" where the response has no question.
std::string rcode_of(const server::Configuration& configuration, std::vector<std::uint8_t> request) {
  server::Responder responder;
  std::array<std::uint8_t, 512> out{};
  const std::size_t size = responder.respond(configuration.listeners.begin()->second, request, {}, out);
  if (size < 12) return "nothing";
  return dns::to_string(static_cast<dns::Rcode>(out[3] & 15U)) + (out[5] == 0 ? " header" : "");
}

const std::vector<PluginType> kPlugins = {
    {"root",
     [](Controller& controller) -> Result<> {
       controller.next();
       TRY(const std::string_view folder, controller.expect_arg("a folder"));
       controller.block().root = folder;
       return {};
     },
     true},
    {"bind",
     [](Controller& controller) -> Result<> {
       controller.next();
       std::vector<IpAddress> addresses;
       for (const std::string& text : controller.remaining_args()) addresses.push_back(*IpAddress::parse(text));
       controller.block().addresses = std::move(addresses);
       return {};
     },
     true},
    {"answers",
     [](Controller& controller) -> Result<> {
       while (controller.next()) TRY(controller.remaining_zones());
       controller.add(std::unique_ptr<const Plugin>(std::make_unique<Answers>()));
       static_cast<void>(controller.snapshot("answers " + controller.block().path("data")));
       return {};
     }},
    {"changes",
     [](Controller& controller) -> Result<> {
       controller.once();
       controller.add(std::unique_ptr<const Plugin>(std::make_unique<Changes>()));
       return {};
     }},
    {"web",
     [](Controller& controller) -> Result<> {
       while (controller.next()) {
         for (const std::string& port : controller.remaining_args()) {
           const auto number = static_cast<std::uint16_t>(std::stoi(port));
           TRY(controller.listen_tcp({*IpAddress::parse("127.0.0.1"), number, 0}, Controller::Sharing::no));
         }
       }
       return {};
     }},
    {"everywhere",
     [](Controller& controller) -> Result<> {
       controller.next();
       TRY(const std::string_view port, controller.expect_arg("a port"));
       const auto number = static_cast<std::uint16_t>(std::stoi(std::string(port)));
       TRY(controller.listen_tcp({IpAddress(), number, 0}, Controller::Sharing::no));
       return {};
     }},
    {"limits",
     [](Controller& controller) -> Result<> {
       controller.once();
       std::uint32_t ttl = 0, most = 0;
       TRY(controller.read_block({
           {"ttl", [&] { return assign(ttl, controller.expect_ttl()); }},
           {"most", [&] { return assign(most, controller.expect_number<std::uint32_t>(1, 9)); }},
       }));
       return fail("a limit of {} is not reasonable", most);  // without a place
     }},
};

Result<server::Configuration> configure(std::string corefile) {
  config::Sources sources;
  sources.add("Corefile", std::move(corefile));
  return server::configure(sources, "Corefile", kPlugins, 53);
}

std::string error_of(std::string corefile) {
  const auto configuration = configure(std::move(corefile));
  return configuration ? "no error" : configuration.error().text();
}

}  // namespace

TEST_CASE("configure: each kind of message has a chain of the plugins that see it") {
  const auto request = [](std::uint8_t opcode, std::uint8_t qtype) {
    return std::vector<std::uint8_t>{
        0, 1, static_cast<std::uint8_t>(opcode << 3), 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, qtype, 0, 1};
  };
  const auto make = [](const std::string& directives) {
    config::Sources sources;
    sources.add("Corefile", "a {\n" + directives + "}\n");
    Result<server::Configuration> made = server::configure(sources, "Corefile", kPlugins, 53);
    REQUIRE(made);
    return *std::move(made);
  };
  constexpr std::uint8_t kQuery = 0, kNotify = 4, kUpdate = 5, kSoa = 6, kIxfr = 251, kAxfr = 252;
  const server::Configuration plain = make("answers\n"), changing = make("answers\nchanges\n");
  for (const std::uint8_t opcode : {kQuery, kNotify}) {
    CHECK(rcode_of(plain, request(opcode, kSoa)) == "REFUSED");
    CHECK(rcode_of(changing, request(opcode, kSoa)) == "REFUSED");
  }
  for (const std::uint8_t qtype : {kIxfr, kAxfr}) {
    CHECK(rcode_of(plain, request(kQuery, qtype)) == "REFUSED");
    CHECK(rcode_of(changing, request(kQuery, qtype)) == "NOERROR");
    CHECK(rcode_of(changing, request(kNotify, qtype)) == "REFUSED");
  }
  CHECK(rcode_of(plain, request(kUpdate, kSoa)) == "NOTIMP header");
  CHECK(rcode_of(changing, request(kUpdate, kSoa)) == "NOERROR");
  CHECK(rcode_of(changing, request(1, kSoa)) == "NOTIMP header");
  std::vector<std::uint8_t> elsewhere = request(kUpdate, kSoa);
  elsewhere[13] = 'b';
  CHECK(rcode_of(changing, elsewhere) == "NOTIMP header");
  for (std::size_t size = 12; size < 19; ++size) {
    std::vector<std::uint8_t> cut = request(kUpdate, kSoa);
    cut.resize(size);
    CHECK(rcode_of(changing, cut) == "NOTIMP header");
  }
}

TEST_CASE("configuration: listeners, zones and blocks") {
  const auto configuration = configure(R"(a.test b.test:5300 {
    bind 127.0.0.1 ::1
    answers
}
10.0.2.0/23 {
    answers
}
)");
  REQUIRE(configuration);
  CHECK(configuration->summary() ==
        std::vector<std::string>{"dns://0.0.0.0:53 2.0.10.in-addr.arpa.", "dns://0.0.0.0:53 3.0.10.in-addr.arpa.",
                                 "dns://127.0.0.1:53 a.test.", "dns://127.0.0.1:5300 b.test.",
                                 "dns://[::]:53 2.0.10.in-addr.arpa.", "dns://[::]:53 3.0.10.in-addr.arpa.",
                                 "dns://[::1]:53 a.test.", "dns://[::1]:5300 b.test."});
  CHECK(configuration->blocks.size() == 2);
  CHECK(configuration->blocks[0]->plugins.size() == 1);
  CHECK(configuration->snapshots.contains("answers data"));
}

TEST_CASE("configuration: one zone on two ports is one zone of the block") {
  const auto configuration = configure("a.test:53 a.test:54 {\n bind ::1\n answers\n}\n");
  REQUIRE(configuration);
  CHECK(configuration->summary() == std::vector<std::string>{"dns://[::1]:53 a.test.", "dns://[::1]:54 a.test."});
  CHECK(configuration->blocks[0]->settings.zones.size() == 1);
}

TEST_CASE("configuration: root comes first, wherever it stands") {
  const auto configuration = configure("a.test {\n answers\n root /srv\n}\n");
  REQUIRE(configuration);
  CHECK(configuration->snapshots.contains("answers /srv/data"));
}

TEST_CASE("configuration: errors say file and line") {
  CHECK(error_of("") == "Corefile: no server block: expected something like 'example.org { … }'");
  CHECK(error_of("a.test {\n anwsers\n}\n") == "Corefile:2: unknown directive 'anwsers'; did you mean 'answers'?");
  CHECK(error_of("a.test {\n answers\n}\nb.test A.test {\n answers\n}\n") ==
        "Corefile:4: zone a.test. on 0.0.0.0:53 is already that of Corefile:1");
  CHECK(error_of("a.test {\n bind 127.0.0.1\n}\na.test {\n bind 127.0.0.2\n}\n") == "no error");
  CHECK(error_of("a.test {\n answers a..b\n}\n").starts_with("Corefile:2: "));
  CHECK(error_of("tls://a.test {\n answers\n}\n").starts_with("Corefile:1: "));
}

TEST_CASE("configuration: addresses that include each other are in conflict") {
  CHECK(error_of("a.test {\n answers\n web 80\n everywhere 80\n}\n") ==
        "Corefile:4: everywhere: 0.0.0.0:80 includes 127.0.0.1:80, which is already that of Corefile:3");
  CHECK(error_of("a.test {\n answers\n everywhere 80\n}\nb.test {\n web 80\n}\n") ==
        "Corefile:6: web: 127.0.0.1:80 is within 0.0.0.0:80, which is already that of Corefile:3");
  CHECK(error_of("a.test {\n answers\n everywhere 80\n web 81\n}\n") == "no error");
}

TEST_CASE("configuration: a service listens where nobody else does") {
  const auto configuration = configure("a.test {\n answers\n web 80 443\n}\n");
  REQUIRE(configuration);
  CHECK(configuration->summary().back() == "tcp://127.0.0.1:443 web");
  CHECK(error_of("a.test {\n web 80 80\n}\n") == "Corefile:2: web: 127.0.0.1:80 is already that of Corefile:2");
  CHECK(error_of("a.test {\n answers\n web 53\n}\n") ==
        "Corefile:3: web: 127.0.0.1:53: DNS is served on 0.0.0.0:53 already, by Corefile:1");
  CHECK(error_of("a.test {\n bind ::1\n web 53\n}\n") == "no error");
}

TEST_CASE("configuration: all errors at once, and none that follows from another") {
  CHECK(
      error_of("a.test {\n answers a..b\n autopath x\n answers c..d\n}\nb.test {\n anwsers\n web 80 80\n}\n"
               "b.test {\n answers\n}\n") ==
      "Corefile:2: answers: 'a..b' is not a valid zone: it has an empty label\n"
      "Corefile:3: unknown directive 'autopath' (it is CoreDNS's; swage does not have it): swage asks other servers by "
      "'forward' alone, and does no more with what they say (docs/coredns.md)\n"
      "Corefile:4: answers: 'c..d' is not a valid zone: it has an empty label\n"
      "Corefile:7: unknown directive 'anwsers'; did you mean 'answers'?\n"
      "Corefile:8: web: 127.0.0.1:80 is already that of Corefile:8\n"
      "Corefile:10: zone b.test. on 0.0.0.0:53 is already that of Corefile:6");
  // Where a block listens is not known: it may well be in nobody's way.
  CHECK(error_of("a.test {\n bnid 127.0.0.1\n}\na.test {\n answers\n}\n") ==
        "Corefile:2: unknown directive 'bnid'; did you mean 'bind'?");
  CHECK(error_of("a.test {\n import binds\n}\na.test {\n answers\n}\n") ==
        "Corefile:2: import 'binds': no such snippet, and as a file: binds: No such file or directory");
  CHECK(error_of("tls://a.test {\n answers b..c\n}\n") ==
        "Corefile:1: tls:// needs a certificate: expected 'tls CERT KEY' in this server block\n"
        "Corefile:2: answers: 'b..c' is not a valid zone: it has an empty label");
}

TEST_CASE("configuration: all that is wrong within one directive is told") {
  CHECK(error_of("a.test {\n limits {\n  ttl soon\n  msot 3\n  most 10\n  ttl 5 6\n }\n limits {\n  most 0\n }\n}\n") ==
        "Corefile:3: limits: ttl: 'soon' is not 0 to 2147483647 seconds; expected a number, or a duration of whole "
        "seconds such as 1h\n"
        "Corefile:4: limits: unknown property 'msot'; did you mean 'most'?\n"
        "Corefile:5: limits: most: '10' is not a number from 1 to 9\n"
        "Corefile:6: limits: ttl: unexpected '6'; expected the end of the line\n"
        "Corefile:8: limits: stands twice in a server block\n"
        "Corefile:9: limits: most: '0' is not a number from 1 to 9");
}

TEST_CASE("configuration: an error says the place, though setup() does not") {
  CHECK(error_of("a.test {\n limits {\n  most 5\n }\n}\n") == "Corefile:2: limits: a limit of 5 is not reasonable");
}

TEST_CASE("configuration: what setup() leaves unread is an error") {
  CHECK(error_of("a.test {\n answers a.test {\n  garbage\n }\n everywhere 80 90\n}\n") ==
        "Corefile:2: answers: takes no block\nCorefile:5: everywhere: unexpected '90'; expected the end of the line");
  CHECK(error_of("a.test {\n everywhere 80\n everywhere 81\n}\n") ==
        "Corefile:3: everywhere: stands twice in a server block");
  CHECK(error_of("a.test {\n everywhere 80 {\n }\n}\n") == "no error");
  CHECK(error_of("a.test {\n everywhere 80\n {\n }\n}\n") == "Corefile:3: '{' must be on the line of what it opens");
}

TEST_CASE("configuration: an error says which variable is not set") {
  config::Sources sources;
  sources.set_env("EMPTY", "");
  sources.add("Corefile", "a.test {\n limits {\n  most {$NO_SUCH}{$EMPTY}\n }\n}\n");
  const auto configuration = server::configure(sources, "Corefile", kPlugins, 53);
  REQUIRE_FALSE(configuration);
  CHECK(configuration.error().text() ==
        "Corefile:3: limits: most: '' is not a number from 1 to 9 ({$NO_SUCH} is not set)");
}

TEST_CASE("configuration: of many errors twenty are told") {
  std::string corefile = "a.test {\n";
  for (int i = 0; i < 25; ++i) corefile += fmt::format(" nonsense{}\n", i);
  const std::string text = error_of(corefile + "}\n");
  CHECK(text.find("Corefile:21: unknown directive 'nonsense19'\nand 5 more errors") != std::string::npos);
  CHECK(text.find("nonsense20") == std::string::npos);
}
