// Api: the paths of the broker. In the service process.
#pragma once

#include <functional>

#include "core/async/task.h"
#include "core/forge/challenge_store.h"
#include "core/http/message.h"
#include "core/http/server.h"
#include "plugins/broker/access_log.h"
#include "plugins/broker/cors.h"
#include "plugins/broker/registration.h"

namespace swage::plugins::broker {

class Api {
 public:
  // REQUIRES: both outlive it: the registrar, and the memory of the store.
  Api(Registrar& registrar, forge::ChallengeStore store, Measures measures = {}, AccessLog log = {}, Cors cors = Cors())
      : registrar_(registrar),
        store_(store),
        measures_(std::move(measures)),
        log_(std::move(log)),
        cors_(std::move(cors)) {}

  // False as long as there is no certificate: all is refused then.
  void needs(std::function<bool()> certificate) { has_certificate_ = std::move(certificate); }

  // An http::Handler. REQUIRES: the Api outlives the task.
  [[nodiscard]] async::Task<http::Response> answer(http::Request request, http::Caller& caller);

 private:
  [[nodiscard]] http::Response health() const;
  [[nodiscard]] async::Task<http::Response> answer_at(std::string path, http::Request request, http::Caller& caller);

  Registrar& registrar_;
  forge::ChallengeStore store_;
  Measures measures_;
  AccessLog log_;
  Cors cors_;
  std::function<bool()> has_certificate_ = [] { return true; };
};

}  // namespace swage::plugins::broker
