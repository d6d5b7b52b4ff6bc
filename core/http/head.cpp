#include "core/http/head.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <limits>

namespace swage::http {

namespace {

namespace beast = boost::beast;
using beast::error_code;
using beast::string_view;
using Problem = beast::http::error;

// Of a head alone. Bodies are not Beast's: with the "0\r\n" of a last chunk alone, and then one more byte, 1.74 hits an
// assertion of its own; line feeds may hide in extensions; trailers look like fields.
template <bool kRequest>
class Parser final : public beast::http::basic_parser<kRequest> {
  using Base = beast::http::basic_parser<kRequest>;

 public:
  explicit Parser(std::size_t most_fields) : most_fields_(most_fields) {
    Base::skip(true);  // is done after the head
    Base::header_limit(std::numeric_limits<std::uint32_t>::max());
  }

  [[nodiscard]] Checked<Head> parse(std::string_view text) {
    error_code code;
    const std::size_t taken = Base::put(boost::asio::const_buffer(text.data(), text.size()), code);
    if (code == Problem::bad_version) return std::unexpected(Fault::version);
    if (code == Problem::header_limit) return std::unexpected(Fault::header_too_large);
    if (code || taken != text.size() || !Base::is_done()) return std::unexpected(Fault::malformed);
    return std::move(head_);
  }

 private:
  void on_request_impl(beast::http::verb, string_view method, string_view target, int version, error_code&) override {
    head_.method.assign(method.data(), method.size());
    head_.target.assign(target.data(), target.size());
    head_.http_1_0 = version == 10;
  }
  void on_response_impl(int status, string_view, int version, error_code&) override {
    head_.status = static_cast<unsigned>(status);
    head_.http_1_0 = version == 10;
  }
  void on_field_impl(beast::http::field, string_view name, string_view value, error_code& code) override {
    if (head_.fields.size() == most_fields_) {
      code = Problem::header_limit;
    } else {
      head_.fields.add({name.data(), name.size()}, {value.data(), value.size()});
    }
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  std::size_t most_fields_;
  Head head_;
};

}  // namespace

bool Head::keeps_alive() const {
  if (fields.lists("Connection", "close")) return false;
  return !http_1_0 || fields.lists("Connection", "keep-alive");
}

Checked<Head> parse_request_head(std::string_view text, std::size_t most_fields) {
  return Parser<true>(most_fields).parse(text);
}

Checked<Head> parse_response_head(std::string_view text, std::size_t most_fields) {
  return Parser<false>(most_fields).parse(text);
}

}  // namespace swage::http
