// A CA for tests, in memory: it knows of ACME what Issuance needs, and checks what it is told. As Boulder does, it
// gives an account that asks again for what it has an open order for that very order.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/acme/issuance.h"
#include "core/crypto/base64.h"
#include "core/crypto/openssl.h"
#include "core/crypto/pem.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::acme::testing {

using Json = nlohmann::json;

inline std::string url(const std::string& path) { return "https://ca.example" + path; }

class TestCa {
 public:
  std::set<std::string> records;  // "NAME VALUE": what is published
  std::string next_problem;       // the type of what the next POST is refused with
  unsigned next_status = 400;
  std::string retry_after;
  bool refuses_challenges = false;
  bool gives_processing = true;  // an order is `processing` once
  int bad_nonces = 0;            // how many good ones are refused
  int orders = 0, issued = 0, accounts = 0;

  Reply answer(const Ask& ask, const AccountKey& key) {
    Reply reply{.status = 200, .nonce = fmt::format("nonce{}", ++nonce_), .retry_after = retry_after};
    if (!ask.body) {
      if (ask.url == url("/dir")) reply.body = directory();
      if (ask.url == url("/nonce")) reply.status = 204;
      good_nonce_ = reply.nonce;
      return reply;
    }
    const Json jws = Json::parse(*ask.body), head = Json::parse(decode(jws["protected"]));
    const std::string payload = decode(jws["payload"]);
    CHECK(head["url"] == ask.url);
    CHECK(head["alg"] == "ES256");
    const bool is_good = head["nonce"] == good_nonce_ && bad_nonces-- <= 0;
    good_nonce_ = reply.nonce;
    if (!is_good) return refuse(reply, "badNonce");
    if (!next_problem.empty()) return refuse(reply, std::exchange(next_problem, {}));
    if (ask.url == url("/account")) {
      CHECK(head["jwk"].dump() == key.jwk());
      accounts += known_.insert(key.jwk()).second ? 1 : 0;
      reply.location = url("/account/1");
      reply.status = 201;
      return reply;
    }
    if (known_.empty()) return refuse(reply, "accountDoesNotExist");
    CHECK(head["kid"] == url("/account/1"));
    return answer_at(ask.url, payload, std::move(reply), key);
  }
  // What lies there is lost, as where an order is too old.
  void forget_orders() { status_ = "none"; }

 private:
  static std::string decode(const std::string& text) {
    const auto bytes = crypto::from_base64url(text);
    REQUIRE(bytes);
    return std::string(as_text(*bytes));
  }
  Reply refuse(Reply reply, const std::string& type) const {
    reply.status = type == "badNonce" ? 400 : next_status;
    reply.body = fmt::format(R"({{"type":"urn:ietf:params:acme:error:{}","detail":"says the test"}})", type);
    return reply;
  }
  static std::string directory() {
    return fmt::format(R"({{"newNonce":"{}","newAccount":"{}","newOrder":"{}","renewalInfo":"{}",)"
                       R"("meta":{{"profiles":{{"classic":"","short":""}}}}}})",
                       url("/nonce"), url("/account"), url("/order"), url("/renewal"));
  }
  std::string order_text() const {
    return fmt::format(R"({{"status":"{}","finalize":"{}","authorizations":["{}"],"certificate":"{}"}})", status_,
                       url("/finalize"), url("/authorization"), url("/certificate"));
  }
  Reply answer_at(const std::string& at, const std::string& payload, Reply reply, const AccountKey& key) {
    if (at == url("/order")) {
      const Json order = Json::parse(payload);
      name_ = order["identifiers"][0]["value"];
      if (status_ == "none" || status_ == "valid" || status_ == "invalid") {
        status_ = "pending";
        challenge_ = "pending";
        token_ = fmt::format("token{}", ++orders);
      }
      reply.status = 201;
      reply.location = url("/order/1");
      reply.body = order_text();
    } else if (at == url("/order/1")) {
      if (status_ == "none") {
        reply.status = 404;
        return reply;
      }
      reply.body = order_text();
      if (status_ == "processing") status_ = "valid";
    } else if (at == url("/authorization")) {
      const std::string bare = name_.starts_with("*.") ? name_.substr(2) : name_;
      reply.body = fmt::format(
          R"({{"status":"{0}","identifier":{{"type":"dns","value":"{1}"}},"challenges":[{{"type":"http-01"}},)"
          R"({{"type":"dns-01","url":"{2}","token":"{3}","status":"{0}","error":{{"type":)"
          R"("urn:ietf:params:acme:error:caa","detail":"CAA forbids it"}}}}]}})",
          challenge_, bare, url("/challenge"), token_);
    } else if (at == url("/challenge")) {
      CHECK(payload == "{}");
      const std::string bare = name_.starts_with("*.") ? name_.substr(2) : name_;
      const bool is_there = records.contains(bare + " " + key.dns_value(token_));
      CHECK(is_there);
      challenge_ = is_there && !refuses_challenges ? "valid" : "invalid";
      status_ = challenge_ == "valid" ? "ready" : "invalid";
      reply.body = "{}";
    } else if (at == url("/finalize")) {
      CHECK(status_ == "ready");
      const std::string der = decode(Json::parse(payload)["csr"]);
      certificate_ = issue(as_bytes(der));
      ++issued;
      status_ = gives_processing ? "processing" : "valid";
      reply.body = order_text();
    } else if (at == url("/certificate")) {
      CHECK(status_ == "valid");
      reply.body = certificate_;
    } else {
      reply.status = 404;
    }
    return reply;
  }
  static std::string issue(Bytes der) {
    const std::uint8_t* at = der.data();
    const std::unique_ptr<X509_REQ, crypto::Free<X509_REQ_free>> request(
        d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
    REQUIRE(request);
    EVP_PKEY* const key = X509_REQ_get0_pubkey(request.get());
    CHECK(X509_REQ_verify(request.get(), key) == 1);
    const std::unique_ptr<X509, crypto::Free<X509_free>> x509(X509_new());
    X509_set_version(x509.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 0x87654321);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 90 * 86400);
    X509_set_pubkey(x509.get(), key);
    STACK_OF(X509_EXTENSION)* const extensions = X509_REQ_get_extensions(request.get());
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); ++i) {
      X509_add_ext(x509.get(), sk_X509_EXTENSION_value(extensions, i), -1);
    }
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    const std::unique_ptr<EVP_PKEY, crypto::Free<EVP_PKEY_free>> authority(EVP_EC_gen("P-256"));
    CHECK(X509_sign(x509.get(), authority.get(), EVP_sha256()) > 0);
    std::uint8_t* encoded = nullptr;
    const int size = i2d_X509(x509.get(), &encoded);
    const std::string pem = crypto::to_pem("CERTIFICATE", Bytes(encoded, static_cast<std::size_t>(size)));
    OPENSSL_free(encoded);
    return pem;
  }

  int nonce_ = 0;
  std::string good_nonce_, name_, token_, certificate_;
  std::string status_ = "none", challenge_ = "pending";
  std::set<std::string> known_;
};

}  // namespace swage::acme::testing
