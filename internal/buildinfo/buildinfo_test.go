package buildinfo

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInfo(t *testing.T) {
	t.Parallel()
	const hash = "0123456789abcdef0123456789abcdef01234567"
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "vcs", Value: "git"},
			{Key: "vcs.revision", Value: hash},
			{Key: "vcs.time", Value: "2026-11-26T15:32:43Z"},
			{Key: "vcs.modified", Value: modified},
		}
	}
	tests := map[string]struct {
		stamped  Info
		recorded debug.BuildInfo
		want     Info
	}{
		"a release": {
			stamped:  Info{Version: "v1.2.3", Commit: hash, Date: "2026-11-26T15:32:43Z"},
			recorded: debug.BuildInfo{Main: debug.Module{Version: "(devel)"}},
			want:     Info{Version: "1.2.3", Commit: hash, Date: "2026-11-26T15:32:43Z"},
		},
		"a release counts more than the toolchain": {
			stamped:  Info{Version: "v1.2.3", Commit: "stamped", Date: "2026-11-27T00:00:00Z"},
			recorded: debug.BuildInfo{Main: debug.Module{Version: "v9.9.9"}, Settings: vcs("true")},
			want:     Info{Version: "1.2.3", Commit: "stamped", Date: "2026-11-27T00:00:00Z"},
		},
		"go install of a version": {
			recorded: debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}},
			want:     Info{Version: "1.2.3", Commit: Unknown, Date: Unknown},
		},
		"go build in a checkout": {
			recorded: debug.BuildInfo{
				Settings: vcs("false"),
				Main:     debug.Module{Version: "v0.1.1-0.20261126153243-0123456789ab"},
			},
			want: Info{
				Version: "0.1.1-0.20261126153243-0123456789ab", Commit: hash, Date: "2026-11-26T15:32:43Z",
			},
		},
		"with changed files": {
			recorded: debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: vcs("true")},
			want:     Info{Version: "devel", Commit: hash + "+dirty", Date: "2026-11-26T15:32:43Z"},
		},
		"nothing is known": {want: Info{Version: "devel", Commit: Unknown, Date: Unknown}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.want.Go = runtime.Version()
			if diff := cmp.Diff(tt.want, info(tt.stamped, &tt.recorded)); diff != "" {
				t.Errorf("info (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStamp links the program as a release does, and asks the binary what it is.
func TestStamp(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "crmsync")
	const name = "crmsync/internal/buildinfo."
	stamp := "-X " + name + "version=v1.2.3 -X " + name + "commit=abcdef -X " + name + "date=2026-11-26T15:32:43Z"
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags", stamp, "-o", binary, "crmsync/cmd/crmsync")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), binary, "version", "--json").Output()
	if err != nil {
		t.Fatalf("crmsync version --json: %v", err)
	}
	var got Info
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	want := Info{Version: "1.2.3", Commit: "abcdef", Date: "2026-11-26T15:32:43Z", Go: runtime.Version()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("crmsync version --json (-want +got):\n%s", diff)
	}
}
