package config

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed sample/center.en.yaml sample/center.zh.yaml
var samples embed.FS

// SampleCenter is a small call center to begin with, with comments in the
// language: "en" or "zh".
func SampleCenter(lang string) ([]byte, bool) {
	b, err := samples.ReadFile("sample/center." + lang + ".yaml")
	return b, err == nil
}

// sampleHead begins a hotline.yaml.
var sampleHead = map[string]string{
	"en": `# hotline.yaml: what a hotline process needs to start. The call center itself
# (agents, queues, numbers, flows) is in center.yaml and changes while calls run:
# hotline apply -f center.yaml
#
# Each key has its default here. Flags (--log-level) override the environment
# (HOTLINE_LOG_LEVEL), which overrides this file.
`,
	"zh": `# hotline.yaml：hotline 进程启动所需的配置。呼叫中心本身（坐席、队列、号码、流程）
# 在 center.yaml 中，可在通话进行时更改：
# hotline apply -f center.yaml
#
# 下面每一项都是默认值。命令行参数（--log-level）优先于环境变量
# （HOTLINE_LOG_LEVEL），环境变量优先于本文件。
`,
}

// SampleProcess is a hotline.yaml with all keys, their defaults and comments in
// the language; English where there is none.
func SampleProcess(lang string) []byte {
	head, ok := sampleHead[lang]
	if !ok {
		lang, head = "en", sampleHead["en"]
	}
	var b strings.Builder
	b.WriteString(head)
	for _, k := range Keys {
		b.WriteString("\n")
		for line := range strings.Lines(k.Doc[lang]) {
			b.WriteString("# " + strings.TrimSuffix(line, "\n") + "\n")
		}
		switch {
		case k.Default == "":
			fmt.Fprintf(&b, "#%s: %s\n", k.Name, k.Example)
		case strings.Contains(k.Default, ","):
			fmt.Fprintf(&b, "%s: [%s]\n", k.Name, strings.ReplaceAll(k.Default, ",", ", "))
		default:
			fmt.Fprintf(&b, "%s: %s\n", k.Name, k.Default)
		}
	}
	return []byte(b.String())
}
