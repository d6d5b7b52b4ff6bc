#include "core/acme/issuance.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/acme/times.h"
#include "core/format.h"
#include "core/text.h"

namespace swage::acme {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr unsigned kMaxBadNonces = 20;  // of one request
constexpr unsigned kMaxPolls = 60;      // of an order, in all
constexpr unsigned kMaxMends = 4;
constexpr seconds kPoll{1}, kMostPoll{30};
constexpr std::size_t kMaxNonce = 500;
constexpr std::size_t kMaxLocation = 2000;

std::string to_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool is_good_nonce(std::string_view nonce) {
  return !nonce.empty() && nonce.size() <= kMaxNonce &&
         std::ranges::all_of(nonce, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
}

bool is_good_location(std::string_view url) {
  return url.starts_with("https://") && url.size() <= kMaxLocation &&
         std::ranges::all_of(url, [](char c) { return is_printable(c) && c != ' '; });
}

}  // namespace

Action Issuance::next() {
  if (step_ == Step::over) {
    if (const auto* const chain = std::get_if<Chain>(&result_)) return *chain;
    return std::get<Failure>(result_);
  }
  if (keep_) return Keep();
  if (wait_.count() > 0) return Wait{wait_};
  return request();
}

void Issuance::done() {
  if (keep_) {
    keep_ = false;
  } else if (wait_.count() > 0) {
    wait_ = seconds(0);
  } else if (step_ == Step::publish) {
    published_ = true;
    step_ = authorization_.challenge_status == Status::pending ? Step::challenge : Step::authorization;
  }
}

Action Issuance::request() {
  switch (step_) {
    case Step::directory:
      return Ask{plan_.directory};
    case Step::account:
      return post(directory_.new_account, account_text());
    case Step::order:
      return post(directory_.new_order, order_text());
    case Step::look:
      return post(progress_.order, "");
    case Step::authorization:
      return post(order_.authorizations[place_], "");
    case Step::publish:
      return Publish{authorization_.name, account_key_.dns_value(authorization_.token)};
    case Step::challenge:
      return post(authorization_.challenge, "{}");
    case Step::finalize:
      return post(order_.finalize, request_text());
    case Step::certificate:
      return post(order_.certificate, "");
    case Step::over:
      break;
  }
  return std::get<Failure>(result_);
}

Action Issuance::post(const std::string& url, const std::string& payload) {
  wants_nonce_ = nonce_.empty();
  if (wants_nonce_) return Ask{directory_.new_nonce};
  AccountKey::Header header{.url = url, .nonce = std::exchange(nonce_, {})};
  if (step_ != Step::account) header.account = progress_.account;
  Result<std::string> body = account_key_.sign(header, payload);
  if (body) return Ask{url, *std::move(body)};
  fail_with(body.error().text());
  return std::get<Failure>(result_);
}

std::string Issuance::account_text() const {
  Json json = Json::object();
  json["termsOfServiceAgreed"] = true;
  if (!plan_.email.empty()) json["contact"] = Json::array({"mailto:" + plan_.email});
  if (plan_.external != nullptr) {
    json["externalAccountBinding"] =
        Json::parse(bind_account(*plan_.external, directory_.new_account, account_key_.jwk()));
  }
  return to_text(json);
}

std::string Issuance::order_text() const {
  Json json = Json::object();
  json["identifiers"] = Json::array();
  for (const std::string& name : plan_.names) {
    Json identifier = Json::object();
    identifier["type"] = "dns";
    identifier["value"] = name;
    json["identifiers"].push_back(std::move(identifier));
  }
  if (!plan_.profile.empty()) json["profile"] = plan_.profile;
  if (!plan_.replaces.empty() && !directory_.renewal_info.empty()) json["replaces"] = plan_.replaces;
  return to_text(json);
}

std::string Issuance::request_text() const {
  Json json = Json::object();
  json["csr"] = base64url(crypto::certificate_request(key_, plan_.names));
  return to_text(json);
}

void Issuance::unanswered(const std::string& why) { fail_with(formatted("{}: {}", what(), why)); }

void Issuance::answered(const Reply& reply, std::int64_t now) {
  if (is_good_nonce(reply.nonce)) nonce_ = reply.nonce;
  if (reply.status / 100 != 2) {
    refused(reply, now);
  } else if (std::exchange(wants_nonce_, false)) {
    if (nonce_.empty()) fail_with("the CA gives no nonce");
  } else {
    bad_nonces_ = 0;
    take(reply, now);
  }
}

void Issuance::take(const Reply& reply, std::int64_t now) {
  switch (step_) {
    case Step::directory:
      return take_directory(reply);
    case Step::account:
      return take_account(reply);
    case Step::order:
      if (!is_good_location(reply.location)) return fail_with("the CA does not say where the order is");
      progress_.order = reply.location;
      keep_ = true;
      return take_order(reply, now);
    case Step::look:
    case Step::finalize:
      return take_order(reply, now);
    case Step::authorization:
      return take_authorization(reply, now);
    case Step::challenge:
      step_ = Step::authorization;
      return look_later(reply, now);
    case Step::certificate:
      return take_certificate(reply);
    case Step::publish:
    case Step::over:
      break;
  }
}

void Issuance::take_directory(const Reply& reply) {
  Result<Directory> directory = read_directory(reply.body);
  if (!directory) return fail_with(formatted("{}: {}", what(), directory.error().text()));
  directory_ = *std::move(directory);
  if (!plan_.profile.empty() && std::ranges::find(directory_.profiles, plan_.profile) == directory_.profiles.end()) {
    std::string known;
    for (const std::string& each : directory_.profiles) known += (known.empty() ? "" : ", ") + each;
    return fail_with(formatted("the CA has no profile '{}'; it has {}", plan_.profile, known.empty() ? "none" : known),
                     true);
  }
  resumed_ = !progress_.order.empty();
  step_ = progress_.account.empty() ? Step::account : resumed_ ? Step::look : Step::order;
}

void Issuance::take_account(const Reply& reply) {
  if (!is_good_location(reply.location)) return fail_with("the CA does not say where the account is");
  progress_.account = reply.location;
  keep_ = true;
  step_ = progress_.order.empty() ? Step::order : Step::look;
}

void Issuance::take_order(const Reply& reply, std::int64_t now) {
  Result<Order> order = read_order(reply.body);
  if (!order) return lose_order(formatted("{}: {}", what(), order.error().text()));
  order_ = *std::move(order);
  switch (order_.status) {
    case Status::pending:
      if (step_ == Step::look && !resumed_ && place_ > 0) return look_later(reply, now);  // all of them are valid
      resumed_ = false;
      place_ = 0;
      published_ = false;
      step_ = Step::authorization;
      return;
    case Status::ready:
      if (step_ == Step::finalize) return look_later(reply, now);
      step_ = Step::finalize;
      return;
    case Status::processing:
      step_ = Step::look;
      return look_later(reply, now);
    case Status::valid:
      step_ = Step::certificate;
      return;
    case Status::invalid:
    case Status::other:
      break;
  }
  if (std::exchange(resumed_, false)) {  // it was given up for so long that it has ended; nobody knows why
    progress_.order.clear();
    keep_ = true;
    step_ = Step::order;
    return;
  }
  lose_order(order_.problem.empty() ? "the order has become invalid" : order_.problem);
}

void Issuance::take_authorization(const Reply& reply, std::int64_t now) {
  Result<Authorization> authorization = read_authorization(reply.body);
  if (!authorization) return lose_order(formatted("{}: {}", what(), authorization.error().text()));
  authorization_ = *std::move(authorization);
  const auto is_ours = [this](const std::string& name) {
    return name == authorization_.name || (name.starts_with("*.") && name.substr(2) == authorization_.name);
  };
  if (std::ranges::none_of(plan_.names, is_ours)) {
    return lose_order("the CA wants an authorization for " + printable(authorization_.name));
  }
  if (authorization_.status == Status::valid) {
    published_ = false;
    if (++place_ == order_.authorizations.size()) step_ = Step::look;
    return;
  }
  if (authorization_.status != Status::pending) {
    const std::string& why = authorization_.problem;
    return lose_order(formatted("{}: {}", authorization_.name, why.empty() ? "the authorization is not valid" : why));
  }
  if (authorization_.challenge.empty()) return lose_order("the CA has no dns-01 challenge for " + authorization_.name);
  if (published_) return look_later(reply, now);
  step_ = Step::publish;
}

void Issuance::take_certificate(const Reply& reply) {
  Result<crypto::Issued> issued = crypto::read_issued(reply.body, plan_.names);
  if (!issued) return lose_order(issued.error().text());
  if (issued->public_key != key_.public_pkix()) return lose_order("the certificate has another key than ours");
  result_ = Chain{reply.body, *std::move(issued)};
  progress_.order.clear();
  step_ = Step::over;
}

// Retry-After, within reason.
void Issuance::look_later(const Reply& reply, std::int64_t now) {
  if (++polls_ > kMaxPolls) return fail_with("the CA does not come to an end with the order");
  wait_ = std::clamp(parse_retry_after(reply.retry_after, now).value_or(kPoll), kPoll, kMostPoll);
}

void Issuance::refused(const Reply& reply, std::int64_t now) {
  const Problem problem = read_problem(reply.status, reply.body);
  if (problem.type == "badNonce" && ++bad_nonces_ <= kMaxBadNonces) return;  // the same again with the new one
  if (!wants_nonce_ && mends_ < kMaxMends && mended(problem, reply.status)) {
    ++mends_;
    return;
  }
  const seconds later = parse_retry_after(reply.retry_after, now).value_or(seconds(0));
  const bool passes = reply.status >= 500 || problem.type == "badNonce";
  fail_with(formatted("{}: {}", what(), problem.text), !passes, later);
}

// What becomes good when it is asked for in another way.
bool Issuance::mended(const Problem& problem, unsigned status) {
  if (problem.type == "accountDoesNotExist" && step_ != Step::account) {
    progress_ = {};
    resumed_ = false;
    step_ = Step::account;
  } else if (step_ == Step::order && !plan_.replaces.empty() &&
             (problem.type == "alreadyReplaced" || status == 409 || problem.type == "malformed")) {
    plan_.replaces.clear();
    return true;
  } else if (step_ == Step::finalize && problem.type == "orderNotReady") {
    step_ = Step::look;
    wait_ = kPoll;
    return true;
  } else if (step_ == Step::look && resumed_ && status < 500 && status != 429) {
    progress_.order.clear();
    resumed_ = false;
    step_ = Step::order;
  } else {
    return false;
  }
  keep_ = true;
  return true;
}

void Issuance::fail_with(std::string why, bool refused, seconds retry_after) {
  result_ = Failure{std::move(why), refused, retry_after};
  step_ = Step::over;
}

void Issuance::lose_order(const std::string& why) {
  progress_.order.clear();
  fail_with(why, true);
}

std::string Issuance::what() const {
  if (wants_nonce_) return "asking for a nonce";
  switch (step_) {
    case Step::directory:
      return "asking for " + plan_.directory;
    case Step::account:
      return "making an account";
    case Step::order:
      return "making an order";
    case Step::look:
      return "asking for the order";
    case Step::authorization:
    case Step::publish:
      return "asking for an authorization";
    case Step::challenge:
      return "asking for the challenge to be looked at";
    case Step::finalize:
      return "asking for the order to be finished";
    case Step::certificate:
    case Step::over:
      break;
  }
  return "asking for the certificate";
}

}  // namespace swage::acme
