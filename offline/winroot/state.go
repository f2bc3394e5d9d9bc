package winroot

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-77750964/regain/offline/regf"
)

const imageComplete = "IMAGE_STATE_COMPLETE"

// checkState finds the states of a system in which it is left alone, and what is
// worth knowing of one that is not.
func (s *System) checkState() {
	if on, err := s.v.Hibernated(); err != nil {
		s.unreadable("/hiberfil.sys", err)
	} else if on {
		s.find("windows/hibernated", "/hiberfil.sys", "the hibernation file would be resumed")
	}
	s.checkSetup()
	switch database := s.exists("/Windows/NTDS/ntds.dit"); {
	case strings.EqualFold(s.Type, "LanmanNT"):
		s.DomainController = true
		s.find("windows/domain-controller", s.system.path, "ProductType is LanmanNT")
	case database != "":
		s.DomainController = true
		s.find("windows/domain-controller", database, "the directory's database is there")
	}
	if s.Release == "" && s.ControlSet != "" { // without a control set nothing tells a server from a client
		s.find("windows/release-unknown", s.software.path, fmt.Sprintf("%s, build %d, is no Windows Server from 2008 R2 to 2025", orUnknown(s.Name), s.Build))
	}
	if n, ok := s.system.number(s.control("Terminal Server"), "fDenyTSConnections"); ok && n != 0 {
		s.find("windows/rdp-off", s.system.path, "fDenyTSConnections is "+fmt.Sprint(n))
	} else if start, ok := s.start("TermService"); ok && start == startDisabled {
		s.find("windows/rdp-off", s.system.path, "the service TermService is disabled")
	}
	if s.SerialConsole = s.emsEnabled(); s.SerialConsole {
		s.find("windows/serial-console", bootStore, "the boot configuration turns EMS on")
	}
}

func (s *System) checkSetup() {
	for _, name := range []string{"SetupType", "SystemSetupInProgress"} {
		if n, ok := s.system.number("Setup", name); ok && n != 0 {
			s.find("windows/setup", s.system.path, fmt.Sprintf(`Setup\%s is %d`, name, n))
		}
	}
	if s.ImageState != "" && s.ImageState != imageComplete {
		s.find("windows/image-state", s.software.path, "ImageState is "+s.ImageState)
	}
}

func orUnknown(name string) string {
	if name == "" {
		return "a Windows without a name"
	}
	return name
}

const (
	bootStore  = "/Boot/BCD"
	emsElement = "260000b0" // BcdOSLoaderBoolean_EmsEnabled
	maxObjects = 256
)

// emsEnabled reads the boot configuration, if it lies on this volume: with UEFI it
// does not. A hive that is damaged or in use tells nothing.
func (s *System) emsEnabled() bool {
	r, err := s.v.Open(bootStore)
	if err != nil {
		return false
	}
	defer r.Close()
	h, err := regf.Open(r, r.Size())
	if err != nil {
		return false
	}
	root, err := h.Root()
	if err != nil {
		return false
	}
	objects, err := root.Sub("Objects")
	if err != nil {
		return false
	}
	on, err := anyEMS(objects)
	return err == nil && on
}

func anyEMS(objects *regf.Key) (bool, error) {
	list, err := objects.Subkeys()
	if err != nil {
		return false, err
	}
	for _, object := range list[:min(len(list), maxObjects)] {
		element, err := object.Sub("Elements", emsElement)
		if errors.Is(err, regf.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		v, err := element.Value("Element")
		if err != nil {
			return false, err
		}
		if b, err := v.Bytes(); err == nil && len(b) > 0 && b[0] != 0 {
			return true, nil
		}
	}
	return false, nil
}
