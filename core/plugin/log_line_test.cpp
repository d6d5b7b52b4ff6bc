// The lines that formats make, without a server: each placeholder, what is no placeholder, and the kinds of responses.
#include "core/plugin/log_line.h"

#include <array>
#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::log_line;
using namespace std::chrono_literals;
using dns::Rcode;
using dns::Type;

namespace {

// A query and a response of which every part can be told from the others.
struct Sample {
  std::array<std::uint8_t, 41> message{};
  dns::Name name;
  dns::Query query;
  dns::Response response;

  Sample() {
    query.message = message;
    ask("eXample.org");
    query.id = 29008;
    query.client = {.address = *IpAddress::parse("192.0.2.7"), .port = 50759};
    query.server = {.address = *IpAddress::parse("2001:db8::1"), .port = 53};
    response.rcode = Rcode::noerror;
  }
  void ask(std::string_view text) {
    name = *dns::Name::parse(text);
    query.ask(name);
  }
  std::string line(std::string_view format, std::chrono::nanoseconds duration = 37990ns) const {
    std::string line;
    Format(format).append_to(line, {query, response, kind_of(query, response), 68, duration});
    return line;
  }
};

}  // namespace

TEST_CASE("log format: the common and the combined format") {
  Sample sample;
  sample.response.authoritative = true;
  sample.query.recursion_desired = true;
  const std::string common =
      "192.0.2.7:50759 - 29008 \"A IN example.org. udp 41 false 512\" NOERROR qr,aa,rd 68 0.00003799s";
  CHECK(sample.line("{common}") == common);
  CHECK(sample.line("{combined}") == common + " \"0\"");
  CHECK(sample.line("[{common}] {combined}") == "[" + common + "] " + common + " \"0\"");
}

TEST_CASE("log format: placeholders of the query") {
  Sample sample;
  CHECK(sample.line("{type} {class} {name}") == "A IN example.org.");
  CHECK(sample.line("{proto} {remote} {port} {local} {size}") == "udp 192.0.2.7 50759 [2001:db8::1] 41");
  CHECK(sample.line("{>id} {>opcode} {>do} {>bufsize}") == "29008 0 false 512");

  sample.query.edns = {.present = true, .dnssec_ok = true, .udp_size = 4096, .options = {}};
  CHECK(sample.line("{>do} {>bufsize}") == "true 4096");
  sample.query.edns.udp_size = 100;
  CHECK(sample.line("{>bufsize}") == "512");
  sample.query.transport = dns::Transport::tcp;
  sample.query.qtype = Type{65280};
  sample.query.qclass = dns::Class{32};
  sample.query.opcode = dns::Opcode::notify;
  CHECK(sample.line("{proto} {>bufsize} {type} {class} {>opcode}") == "tcp 65535 TYPE65280 CLASS32 4");
}

TEST_CASE("log format: names cannot forge a line") {
  Sample sample;
  sample.ask(".");
  CHECK(sample.line("{name}") == ".");
  sample.ask(R"(a\.b\032c\010[INFO]\127\255\"\\.Example)");
  CHECK(sample.line("{name}") == R"(a\.b\032c\010[info]\127\255\"\\.example.)");
}

TEST_CASE("log format: placeholders of the response") {
  Sample sample;
  CHECK(sample.line("{rcode} {rsize} {>rflags}") == "NOERROR 68 qr");
  sample.response.rcode = Rcode::nxdomain;
  sample.query.checking_disabled = true;
  CHECK(sample.line("{rcode} {>rflags}") == "NXDOMAIN qr,cd");
  CHECK(sample.line("{duration}", 0ns) == "0s");
  CHECK(sample.line("{duration}", 1ns) == "0.000000001s");
  CHECK(sample.line("{duration}", 123456ns) == "0.000123456s");
  CHECK(sample.line("{duration}", 12'500ms) == "12.5s");
  CHECK(sample.line("{duration}", -5ns) == "0s");
}

TEST_CASE("log format: text, labels and stray braces") {
  const Sample sample;
  CHECK(sample.line("").empty());
  CHECK(sample.line("plain") == "plain");
  CHECK(sample.line("{host} {>id}{type}.") == "{host} 29008A.");
  CHECK(sample.line("{ {type} } {{type}}") == "{ A } {A}");
  CHECK(sample.line("} {type {type") == "} {type {type");
  CHECK(sample.line("{} {TYPE} {/forward/upstream}{/}") == "{} {TYPE} --");
  CHECK(sample.line("{/log/class} {/log/type}") == "success NOERROR");
}

TEST_CASE("log format: kinds and classes of responses") {
  struct Case {
    Rcode rcode;
    std::vector<Type> answer, authority;
    std::string expected;
  };
  const Case cases[] = {
      {Rcode::noerror, {Type::a}, {}, "success NOERROR"},
      {Rcode::noerror, {Type::a}, {Type::ns}, "success NOERROR"},
      {Rcode::noerror, {}, {}, "success NOERROR"},
      {Rcode::noerror, {}, {Type::ns}, "success DELEGATION"},
      {Rcode::noerror, {}, {Type::nsec, Type::soa}, "denial NODATA"},
      {Rcode::noerror, {Type::cname}, {Type::soa}, "success NOERROR"},
      {Rcode::nxdomain, {}, {Type::soa}, "denial NXDOMAIN"},
      {Rcode::nxdomain, {}, {}, "denial NXDOMAIN"},
      {Rcode::nxdomain, {Type::cname}, {Type::soa}, "error OTHERERROR"},
      {Rcode::servfail, {}, {}, "error SERVERERROR"},
      {Rcode::notimp, {}, {}, "error SERVERERROR"},
      {Rcode::refused, {}, {}, "error OTHERERROR"},
  };
  for (const Case& test : cases) {
    Sample sample;
    sample.response.rcode = test.rcode;
    for (const Type type : test.answer) sample.response.answer.emplace_back().type = type;
    for (const Type type : test.authority) sample.response.authority.emplace_back().type = type;
    CHECK(sample.line("{/log/class} {/log/type}") == test.expected);
  }
  Sample sample;
  sample.query.qtype = Type::axfr;
  CHECK(sample.line("{/log/class} {/log/type}") == "error META");
  sample.query.opcode = dns::Opcode::update;
  CHECK(sample.line("{/log/class} {/log/type}") == "error UPDATE");
}

#if defined(__SANITIZE_ADDRESS__)
// AddressSanitizer's, whose header g++ does not install.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                                         void (*on_free)(const volatile void*));

TEST_CASE("log format: a line allocates nothing") {
  static std::size_t allocations = 0;
  REQUIRE(__sanitizer_install_malloc_and_free_hooks([](const volatile void*, std::size_t) { ++allocations; },
                                                    [](const volatile void*) {}) != 0);
  Sample sample;
  sample.ask(R"(\001\002\003.a-label-that-is-too-long-for-a-short-string.example.org)");
  sample.query.client.address = *IpAddress::parse("2001:db8:1111:2222:3333:4444:5555:6666");
  sample.query.qtype = Type{65280};
  const Format format("{combined} {local} {/log/type} {/log/class} {/label}");
  const Event event{sample.query, sample.response, Kind::server_error, 65535, 123'456'789'012ns};
  std::string line;
  line.reserve(512);
  const std::size_t before = allocations;
  format.append_to(line, event);
  const std::size_t after = allocations;
  CHECK(after == before);
  CHECK(line.size() > 200);
}
#endif
