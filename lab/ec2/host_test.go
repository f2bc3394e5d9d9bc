package ec2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/seed-77750964/regain/lab/machine"
)

// memoryHost is a host without hardware, and with its rules: a root whose image
// begins with "broken" does not boot, and a volume that is mounted is not let go.
type memoryHost struct {
	mu      sync.Mutex
	on      map[string]machine.Spec
	mounted map[string]bool // by volume
	boots   map[string]int
	forced  map[string]bool
	serial  map[string]string // what is on consoles

	stubborn bool // it cannot switch off
}

func newHost() *memoryHost {
	return &memoryHost{on: map[string]machine.Spec{}, mounted: map[string]bool{}, boots: map[string]int{}, forced: map[string]bool{}, serial: map[string]string{}}
}

func (h *memoryHost) Start(_ context.Context, s machine.Spec) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, on := h.on[s.Instance]; on {
		return fmt.Errorf("machine %s is on already", s.Instance)
	}
	if s.Kind != machine.Helper {
		if err := boots(s.Root.Image); err != nil {
			return err
		}
	}
	for id, other := range h.on {
		if other.Address.Equal(s.Address) {
			return fmt.Errorf("machines %s and %s have the same address", id, s.Instance)
		}
	}
	h.on[s.Instance] = s
	h.boots[s.Instance]++
	return nil
}

func boots(image string) error {
	f, err := os.Open(image)
	if err != nil {
		return fmt.Errorf("no root: %w", machine.ErrNotBootable)
	}
	defer f.Close()
	head := make([]byte, 6)
	if _, err := io.ReadFull(f, head); err != nil || bytes.Equal(head, []byte("broken")) {
		return fmt.Errorf("no system on it: %w", machine.ErrNotBootable)
	}
	return nil
}

func (h *memoryHost) Stop(_ context.Context, instance string, force bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stubborn {
		return errors.New("it does not answer")
	}
	if _, on := h.on[instance]; on {
		h.forced[instance] = force
	}
	delete(h.on, instance)
	return nil
}

func (h *memoryHost) On(instance string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, on := h.on[instance]
	return on
}

func (h *memoryHost) Attach(_ context.Context, instance string, d machine.Disk) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, on := h.on[instance]
	if !on {
		return machine.ErrOff
	}
	if _, err := os.Stat(d.Image); err != nil {
		return err
	}
	s.Disks = append(s.Disks, d)
	h.on[instance] = s
	return nil
}

func (h *memoryHost) Detach(_ context.Context, instance, volume string, force bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, on := h.on[instance]
	if !on {
		return machine.ErrOff
	}
	if h.mounted[volume] && !force {
		return machine.ErrBusy
	}
	var left []machine.Disk
	for _, d := range s.Disks {
		if d.Volume != volume {
			left = append(left, d)
		}
	}
	s.Disks = left
	h.on[instance] = s
	return nil
}

func (h *memoryHost) sees(instance, volume string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.on[instance].Disks {
		if d.Volume == volume {
			return true
		}
	}
	return false
}

func (h *memoryHost) mount(volume string, on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mounted[volume] = on
}

func (h *memoryHost) Run(context.Context, string, machine.Command, func(machine.Result)) error {
	return machine.ErrOff
}
func (h *memoryHost) Cancel(string, string) error { return machine.ErrOff }

func (h *memoryHost) Address(instance string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, on := h.on[instance]; on {
		return s.Address.String() + ":2222"
	}
	return ""
}

func (h *memoryHost) Console(instance string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return "console of " + instance + h.serial[instance]
}

// write adds to what a machine has on its console.
func (h *memoryHost) write(instance, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serial[instance] += text
}
