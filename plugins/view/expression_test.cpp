#include "plugins/view/expression.h"

#include "core/dns/parse.h"
#include "tests/support/dns_message.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using plugins::view::Expression;

namespace {

// A query for www.Example.org. AAAA with EDNS, from 192.0.2.7 or 2001:db8::7, over UDP.
struct Asked {
  tests::Packet packet = tests::encode(
      {.name = "www.Example.org.", .type = "AAAA", .id = 258, .opt = tests::Opt{.udp_size = 1400, .flags = 0x8000}});
  dns::Query query;

  explicit Asked(std::string_view client = "192.0.2.7") {
    CHECK(dns::parse(packet, query) == dns::Parsed::query);
    query.client = {*IpAddress::parse(client), 50'000};
    query.server = {*IpAddress::parse("192.0.2.1"), 53};
  }
};

const Metadata kNone;

// "true", "false", or why it is none.
std::string value(std::string_view text, const Asked& asked = Asked()) {
  const auto expression = Expression::compile(text, kNone);
  if (!expression) return expression.error().text();
  return expression->holds(asked.query) ? "true" : "false";
}

}  // namespace

TEST_CASE("view: expressions that are true") {
  for (const char* const text : {
           // CoreDNS's examples
           "incidr(client_ip(), '192.0.2.0/24')",
           "type() in ['A', 'AAAA']",
           R"(name() matches '^www\\..*\\.org\\.$')",
           "(type() == 'A' && name() == 'www.example.org.') || client_ip() == '192.0.2.7'",
           // what the query says
           "bufsize() == 1400",
           "class() == 'IN'",
           "client_ip() == '192.0.2.7'",
           "do()",
           "id() == 258",
           "name() == 'www.example.org.'",
           "opcode() == 0",
           "port() == '50000'",
           "proto() == 'udp'",
           "server_ip() == '192.0.2.1'",
           "server_port() == '53'",
           "size() == 44",
           "type() == \"AAAA\"",
           "type() == `AAAA`",
           "metadata('a/b') == ''",
           "incidr(server_ip(), '192.0.2.1/32')",
           "incidr('1.2.3.4', '1.2.0.0/16')",
           "incidr('1:2::3:4', '1:2::/64')",
           // operators
           "true and not false",
           "!false && !(true && false)",
           "false or true",
           "not do() == false",  // (not do()) == false
           "1 == 1.0 && 1 != 2 && 'a' != 'b' && true == true",
           "1 < 2 && 2 <= 2 && 3 > 2.5 && 3 >= 3",
           "'a' < 'b' && 'ab' >= 'a'",
           "1 + 2 * 3 == 7 && (1 + 2) * 3 == 9 && 7 - 2 - 1 == 4",
           "7 / 2 == 3.5 && 8 / 2 / 2 == 2",
           "-7 % 3 == -1 && - 3 == -3 && +3 == 3",
           "0x35 == 53 && 1_000 == 1000 && 1e3 == 1000 && .5 == 0.5 && 1.5e-1 == 0.15",
           "id() % 2 == 0 ? do() : false",
           "(true ? 'a' : 'b') == 'a'",
           "false ? false : true ? true : false",
           "'b' in ['a', 'b',]",
           "3 not in [1, 2]",
           "1 in ['a', 1.0]",
           "not ('c' in ['a'])",
           "'abc' contains 'b' && 'abc' startsWith 'ab' && 'abc' endsWith 'bc'",
           "'abc' not contains 'x' && 'abc' not startsWith 'b' && 'abc' not matches '^b'",
           "9223372036854775807 + 1 < 0",  // as Go's
           "(0 - 9223372036854775807 - 1) % -1 == 0",
           R"('a\'b' == "a'b" && '\x41\\' == `A\` && '\t' != `\t`)",
           "true || incidr('nonsense', '1.2.0.0/16')",  // never looked at
           "type() == 'A' or type()=='AAAA'",
       }) {
    INFO(text);
    CHECK(value(text) == "true");
  }
}

TEST_CASE("view: expressions that are false") {
  for (const char* const text : {
           "incidr(client_ip(), '198.51.100.0/24')",
           "incidr(client_ip(), '2001:0DB8::/32')",
           "incidr('a:2::3:4', '1:2::/64')",
           "name() == 'notexample.com.'",
           "type() in []",
           "type() in ['A', 'TXT']",
           "'1' in ['a', 1]",
           "false",
           "true && false || false",
           "'a' == 'A'",
           // what cannot be computed makes the whole false, also behind `not`
           "incidr('invalid', '1.2.3.0/24')",
           "not incidr('invalid', '1.2.3.0/24')",
           "incidr(name(), '1.2.3.0/24') || true",
           "1 % 0 == 0",
           "1 / 0 == 0 || true",
       }) {
    INFO(text);
    CHECK(value(text) == "false");
  }
}

TEST_CASE("view: a client of IPv6 over TCP") {
  Asked asked("2001:db8::7");
  asked.query.transport = dns::Transport::tcp;
  for (const char* const text : {"client_ip() == '2001:db8::7'", "incidr(client_ip(), '2001:0DB8::/32')",
                                 "not incidr(client_ip(), '0.0.0.0/0')", "proto() == 'tcp'", "bufsize() == 65535"}) {
    INFO(text);
    CHECK(value(text, asked) == "true");
  }
  const auto plain = tests::encode({.name = ".", .type = "TYPE65280"});
  CHECK(dns::parse(plain, asked.query) == dns::Parsed::query);
  asked.query.transport = dns::Transport::udp;
  CHECK(value("name() == '.' && type() == 'TYPE65280' && bufsize() == 512 && !do()", asked) == "true");
}

TEST_CASE("view: metadata") {
  Metadata metadata;
  metadata.add("test/a", [](const dns::Query& query, std::string& text) { text += query.key.to_string(); });
  metadata.enable({*dns::Name::parse("example.org.")});
  const auto expression =
      Expression::compile("metadata('test/a') == name() and metadata('test/a') != metadata('test/b')", metadata);
  REQUIRE(expression);
  CHECK(expression->holds(Asked().query));
}

TEST_CASE("view: expressions that are none") {
  struct Case {
    std::string_view text, error;
  };
  const Case cases[] = {
      {"", "at 1: the end was not expected"},
      {"invalid expression", "at 1: 'invalid' is not known"},
      {"1", "at 1: the whole is a whole number; expected what is true or false"},
      {"name()", "at 1: the whole is a text; expected what is true or false"},
      {"true true", "at 6: 'true' was not expected"},
      {"(true", "at 6: expected ')', not the end"},
      {"true &&", "at 8: the end was not expected"},
      {"name == 'a'", "at 6: expected '(', not '=='"},
      {"name('a') == 'a'", "at 1: name() takes no arguments"},
      {"metadata() == 'a'", "at 1: metadata() takes one text"},
      {"incidr(1, '10.0.0.0/8')", "at 1: incidr() takes two texts"},
      {"incidr(client_ip(), '10.0.0.0/33')",
       "at 1: incidr() wants a network as its second argument, written as it is: '192.0.2.0/24'"},
      {"incidr(client_ip(), name())",
       "at 1: incidr() wants a network as its second argument, written as it is: '192.0.2.0/24'"},
      {"port() == 53", "at 8: '==' between a text and a whole number"},
      {"1 < 2 < 3", "at 7: '<' between a truth value and a whole number"},
      {"true + 1 == 2", "at 6: '+' between a truth value and a whole number"},
      {"'a' + 'b' == 'ab'", "at 5: '+' between a text and a text"},
      {"1.5 % 2 == 1", "at 5: '%' between a number and a whole number"},
      {"1 && true", "at 3: '&&' between a whole number and a truth value"},
      {"!1", "at 3: 'not' wants a truth value, not a whole number"},
      {"-'a' == 'a'", "at 6: a sign before a text"},
      {"'a' in 'ab'", "at 5: 'in' between a text and a text"},
      {"[1] == [1]", "at 5: '==' between a list and a list"},
      {"1 in [[1]]", "at 7: a list in a list"},
      {"true ? 1 : 'a'", "at 6: '?' chooses between a whole number and a text"},
      {"1 ? true : false", "at 3: '?' wants a truth value before it"},
      {"true ? true", "at 12: expected ':', not the end"},
      {"'a' not == 'b'", "at 5: 'not' was not expected"},
      {"name() matches type()", "at 8: 'matches' wants its expression written as it is"},
      {"'a", "at 1: a text without end"},
      {R"('\q')", "at 2: a backslash that does not begin an escape: write '\\\\' for one"},
      {"true # no", "at 6: '#' means nothing here"},
      {"1x == 1", "at 1: '1x' is not a number"},
      {"99999999999999999999 == 1", "at 1: '99999999999999999999' is not a number"},
      {"0x == 1", "at 1: '0x' is not a number"},
  };
  for (const Case& test : cases) {
    INFO(test.text);
    CHECK(value(test.text) == test.error);
  }
  CHECK(value("name() matches '('").starts_with("at 8: "));
  CHECK(value(std::string(101, '(') + "true").ends_with("more than 100 levels"));
  CHECK(value(std::string(10'000, '!') + "true").ends_with("an expression of more than 10000 bytes"));
  CHECK(value(std::string(5'000, '!') + "true").ends_with("more than 100 levels"));
  std::string many = "true";
  for (int i = 0; i < 600; ++i) many += "||true";
  CHECK(value(many).ends_with("more than 1000 parts"));
  CHECK(value(many.substr(0, 4 + 499 * 6)) == "true");
}
