package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"debug/elf"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/agentbin"
	"github.com/seed-77750964/regain/controller/aws"
	"github.com/seed-77750964/regain/controller/flow"
	"github.com/seed-77750964/regain/controller/pace"
	"github.com/seed-77750964/regain/controller/runs"
)

var errDeclined = errors.New("not confirmed: nothing was changed")

// dialLimit bounds one attempt to reach an instance.
const dialLimit = 5 * time.Second

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, network, address)
}

func connect(ctx context.Context, a account) (controller.Cloud, error) {
	return aws.New(ctx, aws.Options{Region: a.Region, Profile: a.Profile, EndpointURL: a.Endpoint, RoleARN: a.Role, Token: a.Token})
}

// askToken asks for the code of an MFA device.
func (p *program) askToken() (string, error) {
	if !p.asks {
		return "", errors.New("the profile wants the code of an MFA device, and there is nobody to ask")
	}
	fmt.Fprint(p.stderr, "Code of the MFA device: ")
	line, err := bufio.NewReader(p.stdin).ReadString('\n')
	return strings.TrimSpace(line), err
}

// controller puts the surroundings of a run together. done says that no run is
// under way any more.
func (p *program) controller(ctx context.Context, agentFile string) (*controller.Controller, func(), error) {
	cloud, err := p.connect(ctx, p.account)
	if err != nil {
		return nil, nil, err
	}
	dir, err := p.stateDir()
	if err != nil {
		return nil, nil, err
	}
	speed, err := p.speed()
	if err != nil {
		return nil, nil, err
	}
	view := p.newView()
	c := &controller.Controller{
		Cloud: pace.New(cloud, time.Now), Clock: flow.Wall{}, Random: rand.Reader, Runs: runs.Dir(dir), Owner: p.owner(),
		Agent: agentSource(agentFile), Dial: p.dial, Watch: view.watch, Workers: workers, Speed: speed,
	}
	stop := context.AfterFunc(ctx, func() {
		if p.open.Load() {
			view.note("interrupted: on the way home; please wait")
		}
	})
	return c, func() { stop(); view.close() }, nil
}

// speed is how much faster than the clock a lab's time runs; regain-lab env
// exports it.
func (p *program) speed() (float64, error) {
	text := p.env("REGAIN_SPEED")
	if text == "" {
		return 1, nil
	}
	speed, err := strconv.ParseFloat(text, 64)
	if err != nil || !(speed >= 1 && speed <= 1000) {
		return 0, &usageError{fmt.Sprintf("REGAIN_SPEED is %q, and no number from 1 to 1000", text), "it is for labs: unset it"}
	}
	return speed, nil
}

// workers is how many runs are advanced at the same time.
const workers = 16

func (p *program) stateDir() (string, error) {
	switch state := p.env("XDG_STATE_HOME"); {
	case p.state != "":
		return filepath.Abs(p.state)
	case filepath.IsAbs(state):
		return filepath.Join(state, "regain"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", &usageError{fmt.Sprintf("cannot find a place for the journals: %v", err), "name one with --state-dir"}
	}
	return filepath.Join(home, ".local", "state", "regain"), nil
}

// owner is how others see who drives a run.
func (p *program) owner() string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// maxAgent bounds the file of the agent, in bytes.
const maxAgent = 256 << 20

// agentSource gives the agent from a file, or the one that was built in.
func agentSource(file string) func(arch string) ([]byte, error) {
	if file == "" {
		return agentbin.Binary
	}
	return func(arch string) ([]byte, error) {
		info, err := os.Stat(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read the agent: %w", err)
		}
		if info.Size() > maxAgent {
			return nil, fmt.Errorf("cannot read the agent: %q has %d bytes", file, info.Size())
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read the agent: %w", err)
		}
		return data, checkAgent(file, data, arch)
	}
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// checkAgent wants a Linux program for the helper's architecture.
func checkAgent(file string, data []byte, arch string) error {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("cannot use %q as agent: it is no program for Linux: %w", file, err)
	}
	if f.Machine != machines[arch] {
		return fmt.Errorf("cannot use %q as agent: it is built for %s, the helper is %s", file, f.Machine, arch)
	}
	return nil
}
