// chaos: what and who the server is, as TXT records of class CH. In every dns process; the records are made at setup.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/plugin.h"

namespace swage::plugins::chaos {

class Chaos : public Plugin {
 public:
  struct Texts {  // each is cut after 255 bytes
    std::string version, host;
    std::vector<std::string> authors;
  };

  explicit Chaos(const Texts& texts);
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  struct Entry {
    dns::Name name;
    std::vector<std::string> rdata;  // of one record each: a character-string with its length byte
  };
  std::vector<Entry> entries_;
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::chaos
