package windows

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // the script's check, and inside OAEP as .NET of all versions has it
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

const policyFolder = "windows/system32/grouppolicy/"

// startupScripts is the local policy's processing of start-up scripts. The lab runs none:
// it knows regain's by its name, and does what that one does.
//
// https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/reset-local-password-without-agent
func (s *system) startupScripts() error {
	policy, err := s.readText(policyFolder + "gpt.ini")
	if err != nil || !appliesScripts(policy) {
		return err
	}
	scripts, err := s.readText(policyFolder + "machine/scripts/scripts.ini")
	if err != nil {
		return err
	}
	for _, command := range startupCommands(scripts) {
		found := ownScript.FindStringSubmatch(command)
		if found == nil {
			if err := s.console.write(fmt.Sprintf("machine: the lab does not run the start-up script %q\n", command)); err != nil {
				return err
			}
			continue
		}
		if err := s.ownScript(found[1]); err != nil {
			return err
		}
	}
	return nil
}

func (s *system) readText(name string) (string, error) {
	data, err := s.read(name)
	return readText(data).content(), err
}

// appliesScripts tells whether the policy has a machine part at all that is not turned
// off, and scripts in it.
func appliesScripts(gpt string) bool {
	const machineOff = 2 // GPO_OPTION_DISABLE_MACHINE of IGroupPolicyObject::SetOptions
	general := section(gpt, "general")
	version, err := strconv.ParseUint(general["version"], 10, 32)
	options, _ := strconv.ParseUint(general["options"], 10, 32) // most have none
	return err == nil && options&machineOff == 0 && version&0xffff != 0 && strings.Contains(strings.ToUpper(general["gpcmachineextensionnames"]), "{42B5FAAE-6536-11D2-AE5A-0000F87571E3}")
}

// section are the keys of a section of an ini file, in lower case.
func section(ini, name string) map[string]string {
	values, in := map[string]string{}, false
	for line := range strings.Lines(ini) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			in = strings.EqualFold(strings.Trim(line, "[]"), name)
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok && in {
			values[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return values
}

// startupCommands are those that are numbered without a gap.
func startupCommands(ini string) []string {
	var commands []string
	values := section(ini, "startup")
	for {
		command, ok := values[strconv.Itoa(len(commands))+"cmdline"]
		if !ok {
			return commands
		}
		commands = append(commands, command)
	}
}

var (
	ownScript   = regexp.MustCompile(`^(?i:regain-)([0-9A-Za-z-]+)(?i:\.cmd)$`)
	scriptKey   = regexp.MustCompile(`<Modulus>([0-9A-Za-z+/=]+)</Modulus><Exponent>([0-9A-Za-z+/=]+)</Exponent>`)
	scriptFiles = regexp.MustCompile(`Restore-File \(Join-Path \$policy '([^']+)'\) '([^']*)' '([^']*)'`)
)

// ownScript does what the script of a run does.
func (s *system) ownScript(run string) error {
	folder := policyFolder + "machine/scripts/startup/"
	name := folder + "regain-" + strings.ToLower(run)
	starter, err := s.readText(name + ".cmd")
	if err != nil {
		return err
	}
	script, err := s.readText(name + ".ps1")
	if err != nil {
		return err
	}
	if !strings.Contains(starter, "regain-"+run+".ps1") || script == "" {
		return errors.New("its start-up script is not whole")
	}
	block, err := s.sealedBlock(run, script)
	if err != nil {
		return err
	}
	if err := s.console.write(block + block); err != nil {
		return err
	}
	for _, f := range scriptFiles.FindAllStringSubmatch(script, -1) {
		if err := s.restore(policyFolder+strings.ToLower(strings.ReplaceAll(f[1], `\`, "/")), f[2], f[3]); err != nil {
			return err
		}
	}
	return errors.Join(s.remove(name+".cmd"), s.remove(name+".ps1"))
}

// sealedBlock sets a password, and encrypts it to the key in the script.
func (s *system) sealedBlock(run, script string) (string, error) {
	product, err := s.key(systemHive, s.control+`\Control\ProductOptions`)
	if err != nil {
		return "", err
	}
	if product["producttype"].text() == "LanmanNT" {
		return s.formatBlock(run, "domain-controller", "none")
	}
	key, err := readScriptKey(script)
	if err != nil {
		return "", err
	}
	password, err := s.newPassword()
	if err != nil {
		return "", err
	}
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, key, []byte(run+"\x00Administrator\x00"+password), nil)
	if err != nil {
		return "", fmt.Errorf("cannot encrypt the password: %w", err)
	}
	if err := s.setPassword(password); err != nil {
		return "", err
	}
	return s.formatBlock(run, "sealed", base64.StdEncoding.EncodeToString(sealed))
}

func readScriptKey(script string) (*rsa.PublicKey, error) {
	found := scriptKey.FindStringSubmatch(script)
	if found == nil {
		return nil, errors.New("its start-up script has no key")
	}
	modulus, err := base64.StdEncoding.DecodeString(found[1])
	if err != nil {
		return nil, err
	}
	exponent, err := base64.StdEncoding.DecodeString(found[2])
	if err != nil {
		return nil, err
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(new(big.Int).SetBytes(exponent).Int64())}, nil
}

// formatBlock writes the lines of a block, each with its place and a check.
func (s *system) formatBlock(run, status, data string) (string, error) {
	id := make([]byte, 4)
	if _, err := io.ReadFull(s.random, id); err != nil {
		return "", fmt.Errorf("cannot write a block: %w", err)
	}
	const size = 48
	count := max((len(data)+size-1)/size, 1)
	text := "\n"
	for n := range count {
		part := data[n*size : min((n+1)*size, len(data))]
		head := fmt.Sprintf("regain1:%s:%s:%s:%d:%d:%s:", run, hex.EncodeToString(id), status, n+1, count, part)
		sum := sha1.Sum([]byte(head))
		text += "<" + head + hex.EncodeToString(sum[:4]) + ">\n"
	}
	return text, nil
}

// restore puts a file back if it is what the script has been told that it is.
func (s *system) restore(name, before, after string) error {
	now, err := s.read(name)
	if err != nil || now == nil || base64.StdEncoding.EncodeToString(now) != after {
		return err
	}
	if before == "none" {
		return s.remove(name)
	}
	data, err := base64.StdEncoding.DecodeString(before)
	if err != nil {
		return err
	}
	return s.write(name, data)
}
