// forward: answers with what other nameservers say. Forward, in each dns process, answers from memory, or has the query
// wait; Forwarder (forwarder.h) asks.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/fetched_answers.h"
#include "core/plugin/plugin.h"
#include "plugins/forward/settings.h"

namespace swage::plugins::forward {

class Forward : public Plugin {
 public:
  Forward(const Settings& settings, FetchedAnswers answers)
      : from_(settings.from),
        except_(settings.except),
        next_(settings.next),
        next_on_nodata_(settings.next_on_nodata),
        answers_(answers) {}

  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

  // Metadata: "192.0.2.1:53", whom the answer to the query is from, if serve() has given it just before.
  void tell_upstream(const Query& query, std::string& text) const;

 private:
  [[nodiscard]] bool takes(const Query& query) const;
  [[nodiscard]] bool is_for_next(const Response& response) const;

  dns::Name from_;
  std::vector<dns::Name> except_;
  std::vector<dns::Rcode> next_;  // with which the next plugin is asked
  bool next_on_nodata_;           // as it is where there is no answer
  FetchedAnswers answers_;
  struct Answered {
    Endpoint client{}, upstream{};
    std::int64_t received = 0;
    std::uint16_t id = 0;
  };
  mutable Answered last_{};  // Metadata has the query alone
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::forward
