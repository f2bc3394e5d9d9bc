package windows

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

const ec2ConfigFolder = "program files/amazon/ec2configservice/"

// ec2Config is EC2Config: its service starts, and the plugin Ec2SetPassword, if it is
// enabled, runs once and is disabled again.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2config-service.html
func (s *system) ec2Config() error {
	starts, err := s.starts("Ec2Config")
	if err != nil || !starts || !s.has(ec2ConfigFolder+"ec2config.exe") {
		return err
	}
	if done, err := s.settled(); err != nil || !done {
		return err
	}
	if err := s.console.say("EC2 Agent: Ec2Config service v4.9.5103"); err != nil {
		return err
	}
	data, err := s.read(ec2ConfigFolder + "settings/config.xml")
	if err != nil {
		return err
	}
	settings := readText(data)
	state, err := passwordPlugin(settings.content())
	if err != nil {
		return fmt.Errorf("cannot read config.xml: %w", err)
	}
	if err := s.console.say("Ec2SetPassword: %s", state); err != nil || !strings.EqualFold(state, "Enabled") {
		return err
	}
	if err := s.reset(true); err != nil {
		return err
	}
	text := pluginState.ReplaceAllString(settings.text, "${1}Disabled${3}")
	return s.write(ec2ConfigFolder+"settings/config.xml", settings.write(text))
}

var pluginState = regexp.MustCompile(`(?is)(<Name>\s*Ec2SetPassword\s*</Name>\s*<State>)([^<]*)(</State>)`)

// passwordPlugin is the state of Ec2SetPassword, as an XML parser reads it.
func passwordPlugin(text string) (string, error) {
	var settings struct {
		Plugins []struct{ Name, State string } `xml:"Plugins>Plugin"`
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is decoded
	if err := d.Decode(&settings); err != nil {
		return "", err
	}
	for _, p := range settings.Plugins {
		if strings.EqualFold(strings.TrimSpace(p.Name), "Ec2SetPassword") {
			return strings.TrimSpace(p.State), nil
		}
	}
	return "", errors.New("there is no plugin Ec2SetPassword")
}
