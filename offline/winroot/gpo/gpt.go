package gpo

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The client-side extension that runs scripts, and the tool that edits them. They are constants of Windows.
const (
	scriptsExtension = "{42B5FAAE-6536-11D2-AE5A-0000F87571E3}"
	scriptsTool      = "{40B6664F-4972-11D1-A7CA-0000F87571E3}"
)

const (
	general       = "General"
	extensionsKey = "gPCMachineExtensionNames"
	versionKey    = "Version"
	optionsKey    = "Options"
	machineOff    = 2 // GPO_OPTION_DISABLE_MACHINE
)

const newGPT = "[General]\r\ngPCFunctionalityVersion=2\r\n" +
	extensionsKey + "=[" + scriptsExtension + scriptsTool + "]\r\n" + versionKey + "=1\r\n"

// MachineOff tells whether gpt.ini turns off the policy's part for the computer, as gpedit does: no start-up script runs then.
func MachineOff(gpt []byte) bool {
	f, err := parse(gpt)
	if err != nil {
		return false
	}
	_, value, _ := f.lookup(general, optionsKey)
	options, err := strconv.ParseUint(value, 10, 32)
	return err == nil && options&machineOff != 0
}

// useScripts is gpt.ini with the scripts extension in use, and a new version if anything is new.
func useScripts(b []byte, changed bool) ([]byte, error) {
	if len(b) == 0 {
		return []byte(newGPT), nil
	}
	f, err := parse(b)
	if err != nil {
		return nil, err
	}
	_, old, _ := f.lookup(general, extensionsKey)
	extensions, err := mergeExtensions(old)
	if err != nil {
		return nil, err
	}
	if extensions != old {
		changed = true
		if f, err = parse(f.set(general, extensionsKey, extensions)); err != nil {
			return nil, err
		}
	}
	if !changed {
		return b, nil
	}
	_, old, ok := f.lookup(general, versionKey)
	if !ok {
		old = "0"
	}
	version, err := raiseVersion(old)
	if err != nil {
		return nil, err
	}
	return f.set(general, versionKey, version), nil
}

var (
	extensionList  = regexp.MustCompile(`^(\[(\{[0-9A-Fa-f-]{36}\})+\])*$`)
	extensionGroup = regexp.MustCompile(`\[[^]]*\]`)
	extensionGUID  = regexp.MustCompile(`\{[0-9A-Fa-f-]{36}\}`)
)

// mergeExtensions adds the scripts extension to a list such as [{extension}{tool}…][{extension}{tool}…]. Windows keeps
// both the list and the tools in the order of their text; where somebody else has not, ours goes before the first greater.
func mergeExtensions(list string) (string, error) {
	if !extensionList.MatchString(list) {
		return "", fmt.Errorf("%s is not a list of extensions", extensionsKey)
	}
	at := len(list)
	for _, span := range extensionGroup.FindAllStringIndex(list, -1) {
		group := list[span[0]:span[1]]
		switch order := strings.Compare(strings.ToUpper(extensionGUID.FindString(group)), scriptsExtension); {
		case order == 0:
			return list[:span[0]] + mergeTools(group) + list[span[1]:], nil
		case order > 0:
			at = min(at, span[0])
		}
	}
	return list[:at] + "[" + scriptsExtension + scriptsTool + "]" + list[at:], nil
}

func mergeTools(group string) string {
	guids := extensionGUID.FindAllStringIndex(group, -1)
	at := len(group) - 1
	for _, span := range guids[1:] {
		tool := strings.ToUpper(group[span[0]:span[1]])
		if tool == scriptsTool {
			return group
		}
		if tool > scriptsTool {
			at = min(at, span[0])
		}
	}
	return group[:at] + scriptsTool + group[at:]
}

// raiseVersion raises the machine's half, which is the low one. Zero would mean that there is no policy.
func raiseVersion(old string) (string, error) {
	n, err := strconv.ParseInt(old, 10, 64)
	if err != nil || n < -1<<31 || n >= 1<<32 {
		return "", errors.New("its version is not a number")
	}
	version := uint32(n) // Windows writes a large one with a sign
	machine := version&0xFFFF + 1
	if machine > 0xFFFF {
		machine = 1
	}
	version = version&^0xFFFF | machine
	if n < 0 {
		return strconv.FormatInt(int64(int32(version)), 10), nil
	}
	return strconv.FormatUint(uint64(version), 10), nil
}
