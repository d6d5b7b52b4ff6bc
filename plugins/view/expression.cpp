#include "plugins/view/expression.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "plugins/view/expression_parser.h"

namespace swage::plugins::view {
namespace {

using What = Operator;

Value boolean(bool value) { return {.kind = Kind::boolean, .boolean = value}; }
Value integer(std::int64_t value) { return {.kind = Kind::integer, .integer = value}; }
Value real(double value) { return {.kind = Kind::real, .real = value}; }
Value text(std::string_view value) { return {.kind = Kind::text, .text = value}; }

double as_real(const Value& value) {
  return value.kind == Kind::integer ? static_cast<double>(value.integer) : value.real;
}

bool equal(const Value& a, const Value& b) {
  if (a.kind == Kind::boolean && b.kind == a.kind) return a.boolean == b.boolean;
  if (a.kind == Kind::text && b.kind == a.kind) return a.text == b.text;
  if (a.kind == Kind::integer && b.kind == a.kind) return a.integer == b.integer;
  const auto is_number = [](const Value& value) { return value.kind == Kind::integer || value.kind == Kind::real; };
  return is_number(a) && is_number(b) && as_real(a) == as_real(b);
}

// Of two texts or two numbers.
std::partial_ordering compare(const Value& a, const Value& b) {
  if (a.kind == Kind::text) return a.text <=> b.text;
  if (a.kind == Kind::integer && b.kind == Kind::integer) return a.integer <=> b.integer;
  return as_real(a) <=> as_real(b);
}

Value written(const IpAddress& address, std::string& into) {
  char buffer[INET6_ADDRSTRLEN];
  into = inet_ntop(address.is_v6() ? AF_INET6 : AF_INET, address.bytes().data(), buffer, sizeof buffer);
  return text(into);
}

Value written(std::uint16_t port, std::string& into) {
  char buffer[5];
  into.assign(buffer, std::to_chars(buffer, buffer + sizeof buffer, port).ptr);
  return text(into);
}

// As CoreDNS's request.Size: at least 512, over TCP the most that there can be.
std::int64_t bufsize(const dns::Query& query) {
  return query.transport == dns::Transport::tcp ? 65'535 : std::max<std::int64_t>(512, query.edns.udp_size);
}

// Whole numbers wrap, as Go's do.
std::int64_t wrapped(What what, std::int64_t a, std::int64_t b) {
  const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
  return static_cast<std::int64_t>(what == What::add ? x + y : what == What::subtract ? x - y : x * y);
}

}  // namespace

// One evaluation.
struct Expression::Evaluation {
  const Expression& expression;
  const dns::Query& query;
  bool failed = false;

  Value value(std::size_t index) {
    const Node& node = expression.nodes_[index];
    switch (node.what) {
      case What::literal: {
        Value literal = node.literal;
        literal.text = node.text;
        return literal;
      }
      case What::list:
        return {.kind = Kind::list};
      case What::conditional:
        return value(node.operands[value(node.operands[0]).boolean ? 1 : 2]);
      case What::either:
        return boolean(left(node).boolean || (!failed && right(node).boolean));
      case What::both:
        return boolean(left(node).boolean && right(node).boolean);
      case What::negation:
        return boolean(!left(node).boolean);
      case What::in:
        return boolean(is_in(left(node), expression.nodes_[node.operands[1]]));
      case What::incidr:
        return boolean(is_in_network(node));
      case What::metadata:
        node.scratch.clear();
        static_cast<void>(expression.metadata_->append(left(node).text, query, node.scratch));
        return text(node.scratch);
      case What::minus:
        return minus(left(node));
      default:
        return node.operands.size() == 2 ? binary(node, left(node), right(node)) : function(node);
    }
  }

  Value left(const Node& node) { return value(node.operands[0]); }
  Value right(const Node& node) { return value(node.operands[1]); }

  bool is_in(const Value& wanted, const Node& list) {
    return std::ranges::any_of(list.operands, [&](std::uint16_t element) { return equal(value(element), wanted); });
  }

  bool is_in_network(const Node& node) {
    const What what = expression.nodes_[node.operands[0]].what;
    if (what == What::client_ip) return node.prefix.contains(query.client.address);
    if (what == What::server_ip) return node.prefix.contains(query.server.address);
    const Result<IpAddress> address = IpAddress::parse(left(node).text);
    if (!address) failed = true;
    return address && node.prefix.contains(*address);
  }

  static Value minus(const Value& of) {
    return of.kind == Kind::integer ? integer(wrapped(What::subtract, 0, of.integer)) : real(-of.real);
  }

  Value binary(const Node& node, const Value& a, const Value& b) {
    switch (node.what) {
      case What::equal:
        return boolean(equal(a, b));
      case What::unequal:
        return boolean(!equal(a, b));
      case What::less:
        return boolean(compare(a, b) < 0);
      case What::less_or_equal:
        return boolean(compare(a, b) <= 0);
      case What::greater:
        return boolean(compare(a, b) > 0);
      case What::greater_or_equal:
        return boolean(compare(a, b) >= 0);
      case What::contains:
        return boolean(a.text.find(b.text) != std::string_view::npos);
      case What::starts_with:
        return boolean(a.text.starts_with(b.text));
      case What::ends_with:
        return boolean(a.text.ends_with(b.text));
      case What::matches:
        return boolean(node.regex->matches(a.text));
      default:
        return number(node, a, b);
    }
  }

  Value number(const Node& node, const Value& a, const Value& b) {
    if (node.what == What::remainder) {
      if (b.integer == 0) failed = true;
      return integer(b.integer == 0 || b.integer == -1 ? 0 : a.integer % b.integer);
    }
    if (node.kind == Kind::integer) return integer(wrapped(node.what, a.integer, b.integer));
    const double x = as_real(a), y = as_real(b);
    switch (node.what) {
      case What::add:
        return real(x + y);
      case What::subtract:
        return real(x - y);
      case What::multiply:
        return real(x * y);
      default:
        if (y == 0) failed = true;
        return real(y == 0 ? 0 : x / y);
    }
  }

  Value function(const Node& node) {
    std::string& scratch = node.scratch;
    switch (node.what) {
      case What::bufsize:
        return integer(bufsize(query));
      case What::class_of:
        return text(scratch = dns::to_string(query.qclass));
      case What::client_ip:
        return written(query.client.address, scratch);
      case What::dnssec_ok:
        return boolean(query.edns.dnssec_ok);
      case What::id:
        return integer(query.id);
      case What::name:
        scratch.clear();
        query.key.view().append_to(scratch);
        return text(scratch);
      case What::opcode:
        return integer(static_cast<std::int64_t>(query.opcode));
      case What::port:
        return written(query.client.port, scratch);
      case What::proto:
        return text(query.transport == dns::Transport::tcp ? "tcp" : "udp");
      case What::server_ip:
        return written(query.server.address, scratch);
      case What::server_port:
        return written(query.server.port, scratch);
      case What::size:
        return integer(static_cast<std::int64_t>(query.message.size()));
      case What::type:
        return text(scratch = dns::to_string(query.qtype));
      default:
        CHECK(false);
        return {};
    }
  }
};

Result<Expression> Expression::compile(std::string_view text, const Metadata& metadata) {
  TRY(std::vector<Node> nodes, parse_expression(text));
  return Expression(std::move(nodes), metadata);
}

std::vector<std::string> Expression::labels() const {
  std::vector<std::string> labels;
  for (const Node& node : nodes_) {
    if (node.what != Operator::metadata) continue;
    const Node& label = nodes_[node.operands.front()];
    if (label.what == Operator::literal) labels.push_back(label.text);
  }
  return labels;
}

bool Expression::holds(const dns::Query& query) const {
  Evaluation evaluation{*this, query};
  const bool holds = evaluation.value(nodes_.size() - 1).boolean;
  return holds && !evaluation.failed;
}

}  // namespace swage::plugins::view
