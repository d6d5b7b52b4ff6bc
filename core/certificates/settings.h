// What the Corefile says of a certificate that the server gets by itself, and where it lies. A value; every process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/plugin/controller.h"
#include "core/result.h"

namespace swage::certificates {

struct Settings {
  std::string plugin;              // for lines of the log
  std::vector<std::string> names;  // lower case, without a dot at the end; "*.example.org", too
  std::string folder;              // of the account and of the files; other certificates may be there, too
  mode_t mode = 0600;              // of the file with the certificate

  std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
  std::string email{}, authorities{}, profile{};  // empty: none; the system's; the CA's default
  std::string external_id{}, external_file{};     // of an account that the CA wants to know; empty: none

  // What the files of this certificate are called: "registration.example.org", "wildcard.example.org".
  [[nodiscard]] std::string stem() const;
  // The certificate: its key, and then its chain, in PEM, as one file, so that both change at once.
  [[nodiscard]] std::string path() const { return folder + "/" + stem() + ".pem"; }
};

// acme { directory URL ; email ADDRESS ; ca-file FILE ; eab ID FILE ; profile NAME ; state FOLDER }
[[nodiscard]] Result<> read_acme(Controller& controller, Settings& settings);

// Whether this nameserver can answer the CA itself: each name is in a zone of the server block, which has acme-txt. An
// Error, at `at`, says what to do.
[[nodiscard]] Result<> check_names(Controller& controller, const config::Token& at, const Settings& settings);

// Where none was said: beside the file of acme-txt's store, if it has one, else in the working directory, where
// p2p-forge has its own. `store`: the path of that file, or empty.
[[nodiscard]] std::string default_folder(Controller& controller, const Settings& settings, const std::string& store);

}  // namespace swage::certificates
