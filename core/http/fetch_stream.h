// FetchStream: a response that is read while it comes, line by line, for as long as the server has something to say.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/async/task.h"
#include "core/http/fetcher.h"
#include "core/result.h"

namespace swage::http {

class FetchStream {
 public:
  // Sends the request. Its time is that for the connection alone; who waits for a line takes the time himself
  // (async::within). Of a body, there is no bound to the whole, but `most` of Settings is one to each line. REQUIRES:
  // `fetcher` outlives it.
  FetchStream(Fetcher& fetcher, Fetcher::Request request);
  ~FetchStream();
  FetchStream(const FetchStream&) = delete;
  FetchStream& operator=(const FetchStream&) = delete;

  // The next line, without its "\n"; the last one may have had none. nullopt: the response is complete. An Error: it
  // has ended before. What is not read is not received: a few hundred kilobytes wait here, the rest with the server.
  // REQUIRES: one line() at a time. Destroying the task loses nothing.
  [[nodiscard]] async::Task<Result<std::optional<std::string>>> line();

  // REQUIRES: a line() had a result that is not an Error.
  [[nodiscard]] unsigned status() const;

 private:
  class Lines;

  std::unique_ptr<Lines> lines_;
};

}  // namespace swage::http
