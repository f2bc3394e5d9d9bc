package windows

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"
)

const (
	launch1Folder = "programdata/amazon/ec2-windows/launch/"
	launch1Task   = "Amazon Ec2 Launch - Instance Initialization"
	taskCache     = `Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\`
)

// A task is EC2Launch v1's in the registry, which is where the Task Scheduler of
// Windows Server 2016 and 2019 reads it: the XML is a copy.
type task struct {
	values  map[string]value
	enabled bool
	keeps   bool // -KeepSchedule: it stays enabled
}

// In the value Triggers: where its flags and the checksum of the XML stand, and the flag
// that enables the task.
const (
	flagsAt     = 0x28
	checksumAt  = 0x30
	leastSize   = 0x38
	taskEnabled = 0x00400000
)

// launch1 is EC2Launch v1: a task that the scheduler starts at boot, and that disables
// itself when it is done.
func (s *system) launch1() error {
	t, err := s.findTask()
	if err != nil || t == nil || !t.enabled {
		return err
	}
	if schedule, err := s.starts("Schedule"); err != nil || !schedule {
		return err
	}
	if done, err := s.settled(); err != nil || !done {
		return err
	}
	version, token := s.launch1Version()
	if err := s.console.say("Launch: EC2 Launch v%s", version); err != nil {
		return err
	}
	if err := s.launch1Password(t.keeps, token); err != nil {
		return err
	}
	if t.keeps {
		return nil
	}
	return s.disableTask(t)
}

// findTask is the task if the scheduler would know it as one that starts at boot.
func (s *system) findTask() (*task, error) {
	tree, err := s.key(softwareHive, taskCache+`Tree\`+launch1Task)
	if err != nil || tree == nil || !s.has(launch1Folder+"scripts/initializeinstance.ps1") {
		return nil, err
	}
	id := tree["id"].text()
	boot, err := s.key(softwareHive, taskCache+`Boot\`+id)
	if err != nil || boot == nil {
		return nil, err
	}
	values, err := s.key(softwareHive, taskCache+`Tasks\`+id)
	if err != nil || values == nil {
		return nil, err
	}
	triggers, actions := values["triggers"].data, values["actions"].data
	if len(triggers) < leastSize || !bytes.Contains(actions, toUTF16("InitializeInstance.ps1")) {
		return nil, errors.New("its task is not one that it has registered")
	}
	flags := binary.LittleEndian.Uint32(triggers[flagsAt:])
	return &task{values: values, enabled: flags&taskEnabled != 0, keeps: bytes.Contains(actions, toUTF16("-KeepSchedule"))}, nil
}

var moduleVersion = regexp.MustCompile(`(?i)ModuleVersion\s*=\s*'([0-9.]+)'`)

// launch1Version also tells whether it asks the metadata service for a token first, which
// it does since 1.3.2002730.
func (s *system) launch1Version() (version string, token bool) {
	data, err := s.read(launch1Folder + "module/ec2launch.psd1")
	found := moduleVersion.FindStringSubmatch(readText(data).content())
	if err != nil || found == nil {
		return "1.3.0", false
	}
	var numbers [3]int
	for n, text := range strings.SplitN(found[1], ".", 3) {
		numbers[n], _ = strconv.Atoi(text) // what is no number is old
	}
	switch {
	case numbers[0] != 1 || numbers[1] > 3:
		return found[1], numbers[0] >= 1
	}
	return found[1], numbers[1] == 3 && numbers[2] >= 2002730
}

var (
	passwordType = regexp.MustCompile(`(?i)("adminPasswordType"\s*:\s*")[^"]*(")`)
	passwordText = regexp.MustCompile(`(?i)("adminPassword"\s*:\s*")(?:\\.|[^"\\])*(")`)
)

// launch1Password does what LaunchConfig.json says. A file that is missing or cannot be
// read stands for the defaults.
func (s *system) launch1Password(keeps, token bool) error {
	const name = launch1Folder + "config/launchconfig.json"
	data, err := s.read(name)
	if err != nil {
		return err
	}
	file, config := readText(data), struct{ AdminPasswordType, AdminPassword string }{}
	if err := json.Unmarshal([]byte(file.content()), &config); err != nil {
		config.AdminPasswordType = "Random"
	}
	text := file.text
	switch strings.ToLower(config.AdminPasswordType) {
	case "donothing":
		return nil
	case "specify":
		text = passwordText.ReplaceAllString(text, "${1}${2}")
		if err := s.specified(config.AdminPassword, token); err != nil {
			return err
		}
	default:
		if err := s.reset(token); err != nil {
			return err
		}
	}
	if keeps {
		text = passwordType.ReplaceAllString(text, "${1}DoNothing${2}")
	}
	if text == file.text {
		return nil
	}
	return s.write(name, file.write(text))
}

// specified sets a password that somebody has chosen, or a random one where Windows
// would refuse that as too simple.
func (s *system) specified(password string, token bool) error {
	const least, shortest = 3, 6 // Windows: password must meet complexity requirements
	if classes(password) < least || len(password) < shortest {
		return s.reset(token)
	}
	return s.setPassword(password)
}

var settingsEnabled = regexp.MustCompile(`(?s)(<Settings>.*?<Enabled>)\s*true\s*(</Enabled>)`)

// disableTask takes the task's enabled bit away, and says so in its XML. The sums of the
// XML are brought along where they were right.
func (s *system) disableTask(t *task) error {
	const name = "windows/system32/tasks/" + launch1Task
	before, err := s.read(name)
	if err != nil {
		return err
	}
	file := readText(before)
	after := file.write(settingsEnabled.ReplaceAllString(file.text, "${1}false${2}"))
	if before != nil && !bytes.Equal(before, after) {
		if err := s.write(name, after); err != nil {
			return err
		}
	}
	triggers := bytes.Clone(t.values["triggers"].data)
	binary.LittleEndian.PutUint32(triggers[flagsAt:], binary.LittleEndian.Uint32(triggers[flagsAt:])&^taskEnabled)
	if binary.LittleEndian.Uint32(triggers[checksumAt:]) == crc32.ChecksumIEEE(before) {
		binary.LittleEndian.PutUint32(triggers[checksumAt:], crc32.ChecksumIEEE(after))
	}
	if err := s.overwrite(t.values["triggers"], triggers); err != nil {
		return err
	}
	if was := sha256.Sum256(before); bytes.Equal(t.values["hash"].data, was[:]) {
		now := sha256.Sum256(after)
		return s.overwrite(t.values["hash"], now[:])
	}
	return nil
}
