// Services for the tests of this directory.
#pragma once

#include <string>

#include <muster/muster.h>

namespace services_tests {

// Installs a service by name whose state is the file /run/NAME, as an init script.
inline void installScript(const muster::Node& node, const std::string& name) {
  std::string mark = "/run/" + name;
  node.file("/etc/init.d/" + name)
      .write("#!/bin/sh\ncase $1 in\nstart|restart) touch " + mark + " ;;\nstop) rm -f " + mark +
                 " ;;\nstatus) test -e " + mark + " || exit 3 ;;\nesac\n",
             {.mode = 0755});
}

// Installs a unit by its file's text where packages have theirs, and lets systemd read it. One in
// /etc could not be masked.
inline void installUnit(const muster::Node& node, const std::string& unit,
                        const std::string& text) {
  node.file("/lib/systemd/system/" + unit).write(text);
  node.output({"systemctl", "daemon-reload"});
}

// A service that does nothing, for as long as it is left alone.
constexpr char kIdle[] =
    "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";

}  // namespace services_tests
