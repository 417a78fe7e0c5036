/* The pacer and the simulated program (model.c), compiled to WebAssembly.  Nothing here decides:
   records are written and read field by field, by the names that the module itself tells. */
"use strict";
globalThis.gaitModel = (function () {

const STATUS = { CYCLE_ENDED: 0, PROGRAM_ENDED: 1, NO_CYCLE: 2 }; // enum model_status
const STEPS = 64; // decisions in a mark that is drawn
const STEPS_OF_CURVE = 24; // and in one that is only counted

function fromBase64(text) {
  return Uint8Array.from(atob(text), character => character.charCodeAt(0));
}

async function load(bytes) {
  const wasm = (await WebAssembly.instantiate(bytes, {})).instance.exports;

  function text(at) {
    const memory = new Uint8Array(wasm.memory.buffer);
    let end = at;
    while (memory[end] !== 0) end++;
    return new TextDecoder().decode(memory.subarray(at, end));
  }
  function names(at) { return text(at).split(",").slice(0, -1); }
  function numbers(at, count) { return new Float64Array(wasm.memory.buffer, at, count); }

  const fields = {
    settings: names(wasm.model_settings_names()), point: names(wasm.model_point_names()),
    cycle: names(wasm.model_cycle_names()), totals: names(wasm.model_totals_names()),
  };
  const rules = Array.from({ length: wasm.model_rules() }, (unused, i) =>
    ({ name: text(wasm.model_rule_name(i)), sentence: text(wasm.model_rule_sentence(i)) }));

  function write(at, wanted, record) {
    const place = numbers(at, wanted.length);
    wanted.forEach((name, i) => {
      if (typeof record[name] !== "number") throw new Error("no number for " + name);
      place[i] = record[name];
    });
  }
  function read(at, wanted) {
    const place = numbers(at, wanted.length), record = {};
    wanted.forEach((name, i) => { record[name] = place[i]; });
    return record;
  }

  /* Sets what the next cycles run with; a track is an array of points. */
  function set(settings, track) {
    write(wasm.model_settings(), fields.settings, settings);
    if (!track) return;
    track.forEach((point, i) =>
      write(wasm.model_track() + i * fields.point.length * 8, fields.point, point));
  }

  function cycle() {
    const record = read(wasm.model_cycle(), fields.cycle);
    record.rule_name = rules[record.rule].name;
    record.end_rule_name = rules[record.end_rule].name;
    record.bound_name = text(wasm.model_bound_name(record.trigger_bound));
    record.proposals = Array.from(numbers(wasm.model_proposals(), rules.length));
    return record;
  }

  /* One cycle with what is set.  `status` tells whether there was one. */
  function next(steps = STEPS) {
    const status = wasm.model_next(steps);
    return Object.assign(cycle(), { status });
  }

  function collect(most, enough) {
    const cycles = [];
    while (cycles.length < most) {
      const made = next();
      cycles.push(made);
      if (made.status !== STATUS.CYCLE_ENDED || enough(made)) break;
    }
    return cycles;
  }

  return {
    STATUS, STEPS, STEPS_OF_CURVE, fields, rules, set, next,
    begin: (points, ready) => wasm.model_begin(points, ready ? 1 : 0),
    /* Cycles of a program that has settled. */
    settled(settings, track, count) {
      set(settings, track);
      const status = wasm.model_settle(STEPS);
      if (status !== STATUS.CYCLE_ENDED) return [Object.assign(cycle(), { status })];
      return collect(count, () => false);
    },
    /* Cycles from the program's start: of a track all, else until some have gone by with the live
       heap built up. */
    fromStart(settings, track, most, more) {
      set(settings, track);
      wasm.model_begin(track.length, 0);
      return collect(most, made =>
        track.length === 1 && made.live_bytes >= Math.trunc(track[0].live_bytes) && more-- <= 0);
    },
    /* What `fields.totals` names. */
    measure(settings, track, points) {
      set(settings, track);
      wasm.model_measure(points, points > 1 ? STEPS_OF_CURVE : STEPS);
      return read(wasm.model_totals(), fields.totals);
    },
    /* As measure, with fewer steps and the track that was set last. */
    sample(settings, points) {
      set(settings);
      wasm.model_measure(points, STEPS_OF_CURVE);
      return read(wasm.model_totals(), fields.totals);
    },
  };
}

return { load, fromBase64, STATUS };
})();
