package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"hotline/store"
)

// CenterFile is a center.yaml as it was read.
type CenterFile struct {
	Center store.Center
	Places Places
	Dir    string // what the files of prompts are relative to
}

// LoadCenter reads a center.yaml. The error is [Problems] if its text is wrong.
func LoadCenter(path string) (CenterFile, error) {
	data, err := readFile(path)
	if err != nil {
		return CenterFile{}, err
	}
	f, err := ParseCenter(path, data)
	f.Dir = filepath.Dir(path)
	return f, err
}

// readFile reads a file up to the limit.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("config: read: %w", err)
	}
	if info.Size() > maxFile {
		return nil, Problems{{File: path, What: fmt.Sprintf("larger than %d MB", maxFile>>20), Try: "several smaller files"}}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config: read: %w", err)
	}
	return data, nil
}

// ParseCenter reads the text of a center.yaml; file is its name in problems.
// References are not followed here: the center of a running process may have
// what the file does not name.
func ParseCenter(file string, data []byte) (CenterFile, error) {
	out := CenterFile{Places: Places{File: file, at: map[string]Position{}}, Dir: "."}
	top, problems := parse(file, data)
	if len(problems) > 0 {
		return out, problems
	}
	d := &decoder{file: file, at: out.Places.at}
	d.value(reflect.ValueOf(&out.Center).Elem(), top, "")
	if len(d.problems) > 0 {
		return out, d.problems
	}
	return out, nil
}
