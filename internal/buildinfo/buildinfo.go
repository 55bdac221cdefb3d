// Package buildinfo reports which build of the program is running.
package buildinfo

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"
)

// A release sets these by -ldflags "-X crmsync/internal/buildinfo.version=v1.2.3 ...". If they are empty, what the Go
// toolchain recorded counts.
var (
	version string // a tag, or the output of `git describe`
	commit  string // the whole hash
	date    string // of the commit, in RFC 3339
)

// Unknown stands for what neither the release nor the toolchain recorded.
const Unknown = "unknown"

// Info identifies a build. Its fields are never empty.
type Info struct {
	Version string `json:"version"` // such as 1.2.3; "devel" for a build from no known version
	Commit  string `json:"commit"`  // with "+dirty" appended if files had been changed
	Date    string `json:"date"`    // of the commit, in RFC 3339
	Go      string `json:"go"`      // such as go1.26.0
}

// Read identifies the running program.
func Read() Info {
	recorded, ok := debug.ReadBuildInfo()
	if !ok {
		recorded = &debug.BuildInfo{}
	}
	return info(Info{Version: version, Commit: commit, Date: date}, recorded)
}

// info fills in what the linker did not stamp from what the toolchain recorded.
func info(stamped Info, recorded *debug.BuildInfo) Info {
	settings := map[string]string{}
	for _, s := range recorded.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	if revision != "" && settings["vcs.modified"] == "true" {
		revision += "+dirty"
	}
	module := recorded.Main.Version
	if module == "(devel)" {
		module = ""
	}
	return Info{
		Version: strings.TrimPrefix(cmp.Or(stamped.Version, module, "devel"), "v"),
		Commit:  cmp.Or(stamped.Commit, revision, Unknown),
		Date:    cmp.Or(stamped.Date, settings["vcs.time"], Unknown),
		Go:      runtime.Version(),
	}
}
