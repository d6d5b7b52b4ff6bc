#include "plugins/broker/registration_body.h"

#include <cstdint>
#include <exception>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/crypto/base64.h"
#include "core/http/message.h"
#include "core/text.h"

namespace swage::plugins::broker {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kValueBytes = 32;

// Gets the JSON event by event, and stops the parser at the first one that does not belong.
class Reader : public nlohmann::json_sax<Json> {
 public:
  [[nodiscard]] RegistrationBody take() { return std::move(body_); }
  [[nodiscard]] std::string_view why() const { return why_; }

  bool start_object(std::size_t) override {
    if (where_ != Where::outside) return wrong_type();
    where_ = Where::object;
    return true;
  }
  bool key(std::string& name) override {
    if (equal_without_case(name, "value")) return begin(Where::value, has_value_);
    if (equal_without_case(name, "addresses")) return begin(Where::addresses, has_addresses_);
    return refuse("the body has an unknown field");
  }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override {
    if (where_ != Where::addresses) return wrong_type();
    where_ = Where::list;
    return true;
  }
  bool end_array() override {
    where_ = Where::object;
    return true;
  }
  bool string(std::string& text) override {
    if (where_ == Where::list) {
      body_.addresses.push_back(std::move(text));
      return true;
    }
    if (where_ != Where::value) return wrong_type();
    body_.value = std::move(text);
    where_ = Where::object;
    return true;
  }
  bool null() override {
    if (where_ != Where::value && where_ != Where::addresses) return wrong_type();
    where_ = Where::object;
    return true;
  }
  bool boolean(bool) override { return wrong_type(); }
  bool number_integer(std::int64_t) override { return wrong_type(); }
  bool number_unsigned(std::uint64_t) override { return wrong_type(); }
  bool number_float(double, const std::string&) override { return wrong_type(); }
  bool binary(Json::binary_t&) override { return wrong_type(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return refuse("the body is not JSON");
  }

 private:
  enum class Where { outside, object, value, addresses, list };

  bool begin(Where where, bool& seen) {
    if (std::exchange(seen, true)) return refuse("a field of the body comes twice");
    where_ = where;
    return true;
  }
  bool wrong_type() {
    switch (where_) {
      case Where::value:
        return refuse("value is not a string");
      case Where::addresses:
      case Where::list:
        return refuse("addresses is not a list of strings");
      default:
        return refuse("the body is not a JSON object");
    }
  }
  bool refuse(std::string_view why) {
    why_ = why;
    return false;
  }

  RegistrationBody body_;
  std::string_view why_ = "the body is not JSON";
  Where where_ = Where::outside;
  bool has_value_ = false, has_addresses_ = false;
};

bool read(std::string_view text, Reader& reader) {
  try {
    return Json::sax_parse(text.begin(), text.end(), &reader, Json::input_format_t::json, false);
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

std::expected<RegistrationBody, std::string_view> parse_registration_body(std::string_view text) {
  Reader reader;
  if (!read(text, reader)) return std::unexpected(reader.why());
  RegistrationBody body = reader.take();
  const auto value = crypto::from_base64url(body.value);
  if (!value || body.value.ends_with('=')) return std::unexpected("value is not unpadded base64url");
  if (value->size() != kValueBytes) return std::unexpected("value is not 32 bytes");
  return body;
}

}  // namespace swage::plugins::broker
