package windows

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"unicode/utf16"
)

// TaskGUID is the id of EC2Launch's task.
const TaskGUID = "{7A0C2E11-1111-4222-8333-444455556666}"

// TaskCache is where the registry keeps tasks.
const TaskCache = `Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache`

const taskName = "Amazon Ec2 Launch - Instance Initialization"

const definition = `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <URI>\Amazon Ec2 Launch - Instance Initialization</URI>
  </RegistrationInfo>
  <Triggers>
    <BootTrigger>
      <Enabled>true</Enabled>
    </BootTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>S-1-5-18</UserId>
    </Principal>
  </Principals>
  <Settings>
    <StartWhenAvailable>true</StartWhenAvailable>
    <Enabled>%ENABLED%</Enabled>
    <Priority>0</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>cmd.exe</Command>
      <Arguments>%ARGUMENTS%</Arguments>
    </Exec>
  </Actions>
</Task>`

func (a Agent) enabled() bool { return a.Armed || a.PerBoot }

func (a Agent) arguments() string {
	const base = `/C C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -NoProfile -File "C:\ProgramData\Amazon\EC2-Windows\Launch\Scripts\InitializeInstance.ps1"`
	if a.PerBoot {
		return base + " -KeepSchedule"
	}
	return base
}

// task is the file of the task, in UTF-16 as the Task Scheduler writes it.
func (a Agent) task() []byte {
	text := strings.ReplaceAll(definition, "%ENABLED%", fmt.Sprint(a.enabled()))
	text = strings.ReplaceAll(text, "%ARGUMENTS%", strings.ReplaceAll(a.arguments(), `"`, "&quot;"))
	return UTF16LE(crlf(text))
}

// taskKeys are the task's keys in the SOFTWARE hive.
func taskKeys(file []byte, a Agent) string {
	flags := uint32(0x42012138)
	if a.enabled() {
		flags |= 0x00400000
	}
	sum := sha256.Sum256(file)
	var b strings.Builder
	fmt.Fprintf(&b, "\n[%s\\Tree\\%s]\nId = sz:%s\nIndex = dword:1\n", TaskCache, taskName, TaskGUID)
	fmt.Fprintf(&b, "\n[%s\\Tasks\\%s]\nPath = sz:\\%s\nSchema = dword:10002\nHash = hex:%x\nTriggers = hex:%x\nActions = hex:%x\n",
		TaskCache, TaskGUID, taskName, sum, triggers(flags, crc32.ChecksumIEEE(file)), actions(a.arguments()))
	fmt.Fprintf(&b, "\n[%s\\Boot\\%s]\n", TaskCache, TaskGUID)
	return b.String()
}

// A blob is written the way the Task Scheduler pads: with the letter H.
type blob struct{ b []byte }

func (b *blob) pad() {
	for len(b.b)%8 != 0 {
		b.b = append(b.b, 'H')
	}
}

func (b *blob) byte(v byte) {
	b.b = append(b.b, v)
	b.pad()
}

func (b *blob) number(v uint32) {
	b.b = binary.LittleEndian.AppendUint32(b.b, v)
	b.pad()
}

func (b *blob) counted(v []byte) {
	b.number(uint32(len(v)))
	b.b = append(b.b, v...)
	b.pad()
}

func (b *blob) zero(n int) { b.b = append(b.b, make([]byte, n)...) }

// triggers is a value Triggers of version 0x17 with one boot trigger.
func triggers(flags, sum uint32) []byte {
	b := &blob{}
	b.byte(0x17)
	b.zero(32)
	b.number(flags)
	b.number(sum)
	b.counted(append(wide("Author"), 0, 0))
	b.number(0) // no display name
	b.byte(0)   // a user
	b.byte(0)   // with a SID
	b.number(1)
	b.counted([]byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0})
	b.counted(append(wide(`NT AUTHORITY\SYSTEM`), 0, 0))
	b.number(0x2c) // optional settings
	b.zero(0x2c)
	b.pad()
	b.number(0xffff) // the boot trigger
	b.zero(32 + 24)
	b.byte(1)
	b.zero(8)
	b.number(0)
	return b.b
}

// actions is a value Actions with one program.
func actions(arguments string) []byte {
	text := func(b []byte, s string) []byte {
		return append(binary.LittleEndian.AppendUint32(b, uint32(2*len(s))), wide(s)...)
	}
	b := text([]byte{3, 0}, "Author")
	b = text(append(b, 0x66, 0x66), "")
	b = text(text(b, "cmd.exe"), arguments)
	return append(text(b, ""), 0, 0)
}

func wide(s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}
