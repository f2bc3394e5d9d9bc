package build

import (
	"runtime/debug"
	"testing"
)

func TestDescribe(t *testing.T) {
	settings := []debug.BuildSetting{{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "arm64"}, {Key: "vcs.revision", Value: "0123abc"}}
	info := &debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"}, Settings: settings}
	if got, want := Describe("regain", info), "regain v1.2.3 go1.26.0 linux/arm64 0123abc"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	info.Settings = append(settings, debug.BuildSetting{Key: "vcs.modified", Value: "true"})
	if got, want := Describe("regain-lab", info), "regain-lab v1.2.3 go1.26.0 linux/arm64 0123abc (modified)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Describe("regain-agent", nil); got != "regain-agent (unknown build)" {
		t.Errorf("%q", got)
	}
}
