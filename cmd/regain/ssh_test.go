package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// TestNoLogin: what is in the way of a login is told with what helps.
func TestNoLogin(t *testing.T) {
	windows := controller.Instance{Platform: controller.Windows}
	for name, tt := range map[string]struct {
		instance controller.Instance
		args     []string
		code     int
		says     string
	}{
		"no reset on record":  {controller.Instance{}, nil, exitUsage, "say --user NAME"},
		"Windows":             {windows, nil, exitUsage, "hint: regain password i-"},
		"no key":              {controller.Instance{}, []string{"--user", "admin"}, exitFailed, "--identity FILE"},
		"Windows with a user": {windows, []string{"--user", "Administrator"}, exitFailed, "--identity FILE"},
		"stopped":             {controller.Instance{State: controller.Stopped}, nil, exitFailed, "is stopped"},
	} {
		cloud, state := sim.New(sim.Options{}), t.TempDir()
		id := cloud.AddInstance(sim.Patient{Instance: tt.instance})
		var out, complaints bytes.Buffer
		p := &program{
			stdout: &out, stderr: &complaints, width: func() int { return 80 }, env: func(name string) string { return map[string]string{"XDG_STATE_HOME": state}[name] },
			connect: func(context.Context, account) (controller.Cloud, error) { return cloud, nil },
			dial: func(context.Context, string, string) (net.Conn, error) {
				conn, _ := net.Pipe()
				return conn, nil
			},
		}
		if code := p.run(t.Context(), append([]string{"ssh", id}, tt.args...)); code != tt.code || !strings.Contains(complaints.String(), tt.says) {
			t.Errorf("%s: code %d: %s", name, code, &complaints)
		}
	}
}
