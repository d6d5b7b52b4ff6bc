#include "tests/fleet/load/options.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>

namespace swage::fleet {
namespace {

using Setter = std::function<Result<>(const std::string&)>;

Result<Endpoint> endpoint(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return fail("'{}' is not ADDRESS:PORT", text);
  TRY(const IpAddress address, IpAddress::parse(text.substr(0, colon)));
  return Endpoint{address, static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)), 0};
}

Setter endpoints(std::vector<Endpoint>& into) {
  return [&into](const std::string& text) -> Result<> {
    std::istringstream list(text);
    for (std::string word; std::getline(list, word, ',');) {
      TRY(const Endpoint each, endpoint(word));
      into.push_back(each);
    }
    return {};
  };
}

template <typename T>
Setter number(T& into) {
  return [&into](const std::string& text) -> Result<> {
    if (!(std::istringstream(text) >> into)) return fail("'{}' is not a number", text);
    return {};
  };
}

}  // namespace

Result<Options> read_options(int argc, char** argv) {
  Options options;
  const auto address = [&](const std::string& text) -> Result<> {
    TRY(options.nodes, IpAddress::parse(text));
    return {};
  };
  const std::map<std::string, Setter> setters = {{"--brokers", endpoints(options.brokers)},
                                                 {"--nameservers", endpoints(options.nameservers)},
                                                 {"--nodes", address},
                                                 {"--first", number(options.first)},
                                                 {"--count", number(options.count)},
                                                 {"--seconds", number(options.seconds)},
                                                 {"--at-once", number(options.at_once)},
                                                 {"--tries", number(options.tries)}};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto setter = setters.find(word);
    if (word == "--no-check") {
      options.check = false;
    } else if (word == "--verify") {
      options.verify = true;
    } else if (setter == setters.end() || i + 1 == argc) {
      return fail("'{}' is not an option, or has no value", word);
    } else {
      TRY(setter->second(argv[++i]));
    }
  }
  if (options.brokers.empty() && !options.verify) return fail("expected --brokers");
  return options;
}

}  // namespace swage::fleet
