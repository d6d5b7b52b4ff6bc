// The plugins of swage_wrong, a swage for tests: some real ones, and one that does wrong what a plugin can do wrong.
#include "plugins/plugins.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <vector>

#include "core/async/work.h"

namespace swage::plugins {

namespace bind {
Result<> setup(Controller& controller);
}
namespace errors {
Result<> setup(Controller& controller);
}
namespace prometheus {
Result<> setup(Controller& controller);
}
namespace ready {
Result<> setup(Controller& controller);
}
namespace whoami {
Result<> setup(Controller& controller);
}

namespace wrong {
namespace {

constexpr std::size_t kLeak = 64 << 20;  // bytes

// What is wrong by its name; nothing where it is none of them.
Result<> do_wrong(std::string_view how) {
  if (how == "error") return fail("it went wrong");
  if (how == "throw") throw std::runtime_error("thrown by a plugin");
  if (how == "crash") std::abort();
  volatile bool forever = how == "hang";
  while (forever) {
  }
  while (how == "block") pause();
  if (how == "leak") {
    static std::vector<std::unique_ptr<std::vector<char>>> leaked;
    leaked.push_back(std::make_unique<std::vector<char>>(kLeak, 'x'));
  }
  return {};
}

// The first label of the name that is asked for says what goes wrong.
std::string_view wanted(const Query& query) { return as_text(query.key.view().first_label()); }

class WrongPlugin : public Plugin {
 public:
  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    TRY(do_wrong(wanted(query)));
    return next(query, response);
  }
};

class WrongFilter : public Filter {
 public:
  [[nodiscard]] bool accepts(const Query& query) const override { return do_wrong(wanted(query)).has_value(); }
};

class WrongObserver : public Observer {
 public:
  void sent(const Query& query, const Response&, Bytes) const override { static_cast<void>(do_wrong(wanted(query))); }
};

// Answers what has to be fetched, and never is there.
class WrongFetched : public Plugin {
 public:
  explicit WrongFetched(const Fetch& fetch) : fetch_(fetch) {}
  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    const std::string_view how = wanted(query);
    if (how == "a") return next(query, response);
    return fetch_.later(response, as_bytes(how));
  }

 private:
  const Fetch& fetch_;
};

// Goes wrong in the function `where`, in the way `how`.
class WrongService : public Service {
 public:
  WrongService(std::string where, std::string how, Fetch& fetch)
      : where_(std::move(where)), how_(std::move(how)), fetch_(fetch) {}

  Result<> prepare() override { return where_ == "prepare" ? do_wrong(how_) : Result<>(); }

  async::Task<Result<>> run(Host& host) override {
    if (where_ == "fetch") fetch_.on_wanted([this](const std::string& key) { fetch(key); });
    if (where_ == "service" && ++runs_ < 3) co_return fail("failed {} of 2 times", runs_);
    if (where_ == "run") CO_TRY(do_wrong(how_));
    if (where_ == "work") {
      const auto work = [this] { return do_wrong(how_); };
      CO_TRY(co_await async::work(host.loop(), work));
    }
    co_await host.stopping().wait();
    co_return Result<>();
  }

  void measure() override {
    if (where_ == "measure") static_cast<void>(do_wrong(how_));
  }

 private:
  void fetch(const std::string& key) {
    if (key == "never") return;
    if (!do_wrong(key)) fetch_.failed(key);
  }

  std::string where_, how_;
  Fetch& fetch_;
  int runs_ = 0;
};

bool is_service(std::string_view where) {
  constexpr auto kFunctions =
      std::to_array<std::string_view>({"prepare", "run", "work", "measure", "fetch", "service"});
  return std::ranges::find(kFunctions, where) != kFunctions.end();
}

}  // namespace

// wrong [FUNCTION [HOW]]
Result<> setup(Controller& controller) {
  while (controller.next()) {
    const std::vector<std::string> arguments = controller.remaining_args();
    const std::string where = arguments.empty() ? "serve" : arguments[0];
    const std::string how = arguments.size() < 2 ? "" : arguments[1];
    Fetch& fetch = controller.fetch("wrong");
    if (where == "setup") TRY(do_wrong(how));
    if (where == "metric") static_cast<void>(controller.metrics().counter("not-a-name", "Counts in vain."));
    if (where == "serve") controller.add(std::make_unique<const WrongPlugin>());
    if (where == "accepts") controller.add(std::make_unique<const WrongFilter>());
    if (where == "sent") controller.add(std::make_unique<const WrongObserver>());
    if (where == "fetch") controller.add(std::make_unique<const WrongFetched>(fetch));
    if (is_service(where)) controller.add(std::make_unique<WrongService>(where, how, fetch));
  }
  return {};
}

}  // namespace wrong

std::span<const PluginType> all() {
  static constexpr auto kList = std::to_array<PluginType>({{"bind", &bind::setup},
                                                           {"ready", &ready::setup},
                                                           {"prometheus", &prometheus::setup},
                                                           {"errors", &errors::setup},
                                                           {"wrong", &wrong::setup},
                                                           {"whoami", &whoami::setup}});
  return kList;
}

}  // namespace swage::plugins
