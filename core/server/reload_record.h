// The results of reloads, for `swage -reload PIDFILE`, which asks for one and waits for it: a file beside the pid file.
//
//     PIDFILE.reload: "BEGUN SETTLED ok" or "BEGUN SETTLED failed", then what is wrong, a line each
//
// BEGUN and SETTLED count reloads from the start of the server. Whoever reads BEGUN, sends the signal and waits until
// SETTLED is greater knows of a reload that read the Corefile after the signal.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"
#include "core/server/messages.h"

namespace swage::server {

// The supervisor's side. Every change is a new file under the same name. Without a pid file nothing is written.
class ReloadRecord {
 public:
  explicit ReloadRecord(const std::string& pidfile);
  ~ReloadRecord();  // removes the file
  ReloadRecord(const ReloadRecord&) = delete;
  ReloadRecord& operator=(const ReloadRecord&) = delete;

  void start();   // the server serves: from now on there is a file
  void begin();   // before the Corefile is read
  void settle();  // it is in force
  void settle(const Error& why);
  void leave();  // the file is another supervisor's by now

  // For the service process.
  [[nodiscard]] message::Reloads news() const { return {begun_, settled_, problem_, configured_}; }

 private:
  void write() const;

  std::string path_;  // empty: none
  bool started_ = false;
  std::uint64_t begun_ = 0, settled_ = 0;
  std::int64_t configured_ = 0;
  std::string problem_;  // of the last one that has settled; empty: none
};

// Sends SIGHUP to the server whose pid file this is, and waits until it has reloaded or said why it does not. Prints
// that. Returns the exit status: 0, or 1 where the reload failed, or there is no such server.
[[nodiscard]] int reload_and_wait(const std::string& pidfile);

}  // namespace swage::server
