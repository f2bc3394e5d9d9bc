package task_test

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

const arguments = `/C C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -NoProfile -NonInteractive -NoLogo -ExecutionPolicy Unrestricted ` +
	`-File "C:\ProgramData\Amazon\EC2-Windows\Launch\Scripts\InitializeInstance.ps1"`

// definition is the task as EC2Launch registers it, with other settings where %SETTINGS% stands.
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
      <RunLevel>HighestAvailable</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <AllowHardTerminate>false</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
%ENABLED%    <Priority>0</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>cmd.exe</Command>
      <Arguments>%ARGUMENTS%</Arguments>
    </Exec>
  </Actions>
</Task>`

const (
	disabled = "    <Enabled>false</Enabled>\n"
	enabled  = "    <Enabled>true</Enabled>\n"
)

func sample(state string) string {
	s := strings.ReplaceAll(definition, "%ARGUMENTS%", strings.ReplaceAll(arguments, `"`, "&quot;"))
	return strings.ReplaceAll(strings.ReplaceAll(s, "%ENABLED%", state), "\n", "\r\n")
}

func wide(s string) []byte {
	b := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// A blob builds the value Triggers the way Windows pads it: with the letter H.
type blob struct{ b []byte }

func (b *blob) pad() *blob {
	for len(b.b)%8 != 0 {
		b.b = append(b.b, 'H')
	}
	return b
}

func (b *blob) u8(v byte) *blob    { b.b = append(b.b, v); return b.pad() }
func (b *blob) u32(v uint32) *blob { b.b = binary.LittleEndian.AppendUint32(b.b, v); return b.pad() }
func (b *blob) zero(n int) *blob   { b.b = append(b.b, make([]byte, n)...); return b }
func (b *blob) bytes(v []byte) *blob {
	b.u32(uint32(len(v)))
	b.b = append(b.b, v...)
	return b.pad()
}

func (b *blob) text(s string) *blob {
	if s == "" {
		return b.u32(0)
	}
	return b.bytes(append(wide(s)[2:], 0, 0))
}

var localSystem = []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}

// triggers is a value with one boot trigger.
func triggers(version byte, flags, sum uint32, bootEnabled byte) []byte {
	b := (&blob{}).u8(version).zero(32).u32(flags).u32(sum)
	if version >= 0x16 {
		b.text("Author")
	}
	if version >= 0x17 {
		b.text("")
	}
	b.u8(0).u8(0).u32(1).bytes(localSystem).text("NT AUTHORITY\\SYSTEM") // the user
	b.u32(0x2C).zero(0x2C).pad()
	b.u32(0xFFFF).zero(32 + 24).u8(bootEnabled).zero(8)
	if version >= 0x16 {
		b.b = binary.LittleEndian.AppendUint32(b.b, 0)
		b.pad()
	}
	return b.b
}

const (
	armedFlags    = 0x42412138
	disarmedFlags = 0x42012138
)

// actions is a value with one action of the Exec kind.
func actions(arguments string) []byte {
	counted := func(b []byte, s string) []byte {
		text := wide(s)[2:]
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	b := counted([]byte{3, 0}, "Author")
	b = counted(append(b, 0x66, 0x66), "")
	b = counted(counted(b, "cmd.exe"), arguments)
	return append(counted(b, ""), 0, 0)
}
