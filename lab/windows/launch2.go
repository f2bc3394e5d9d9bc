package windows

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	launch2Folder = "programdata/amazon/ec2launch/"
	runOnce       = launch2Folder + "state/.run-once"
)

// launch2 is EC2Launch v2: a service that runs its tasks of frequency once as long as
// there is no .run-once, and then makes one.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2launch-v2.html
func (s *system) launch2() error {
	starts, err := s.starts("Amazon EC2Launch")
	if err != nil || !starts || !s.has("program files/amazon/ec2launch/ec2launch.exe") {
		return err
	}
	if done, err := s.settled(); err != nil || !done {
		return err
	}
	if err := s.console.say("Launch: EC2Launch v2 service v2.0.2107"); err != nil {
		return err
	}
	if s.has(runOnce) {
		return s.rotateState()
	}
	if err := s.setAdminAccount(); err != nil {
		return err
	}
	if err := s.rotateState(); err != nil {
		return err
	}
	return s.write(runOnce, nil)
}

// rotateState writes what the service remembers of this run.
func (s *system) rotateState() error {
	before, err := s.read(launch2Folder + "state/state.json")
	if err != nil {
		return err
	}
	if before != nil {
		if err := s.write(launch2Folder+"state/previous-state.json", before); err != nil {
			return err
		}
	}
	state, err := json.Marshal(map[string]string{"status": "completed"})
	if err != nil {
		return err
	}
	return s.write(launch2Folder+"state/state.json", state)
}

// launch2Config is what is read of agent-config.yml.
type launch2Config struct {
	Config []struct {
		Stage string
		Tasks []struct {
			Task   string
			Inputs yaml.Node // a list for some tasks, a map for others
		}
	}
}

type adminAccount struct {
	Password struct{ Type, Data string }
}

// setAdminAccount is the task of that name, if the configuration has it.
func (s *system) setAdminAccount() error {
	data, err := s.read(launch2Folder + "config/agent-config.yml")
	if err != nil {
		return err
	}
	if data == nil {
		return errors.New("there is no agent-config.yml")
	}
	var config launch2Config
	if err := yaml.Unmarshal([]byte(readText(data).content()), &config); err != nil {
		return fmt.Errorf("cannot read agent-config.yml: %w", err)
	}
	for _, stage := range config.Config {
		for _, t := range stage.Tasks {
			if stage.Stage != "preReady" || t.Task != "setAdminAccount" {
				continue
			}
			var account adminAccount
			if err := t.Inputs.Decode(&account); err != nil {
				return fmt.Errorf("cannot read agent-config.yml: %w", err)
			}
			switch strings.ToLower(account.Password.Type) {
			case "random":
				return s.reset(true)
			case "static":
				return s.setPassword(account.Password.Data)
			}
		}
	}
	return nil
}
