/* The pacer and the simulated program (page_model.c), compiled to WebAssembly.  Nothing here decides:
   records are written and read field by field, by the names that the module itself tells. */
"use strict";
globalThis.gaitModel = (function () {

const STATUS = { CYCLE_ENDED: 0, PROGRAM_ENDED: 1, NO_CYCLE: 2 }; // enum model_status
const STEPS = 64; // decisions in a mark that is drawn
const STEPS_OF_CURVE = 24; // and in one that is only counted

function fromBase64(text) {
  return Uint8Array.from(atob(text), character => character.charCodeAt(0));
}

/* Text and records of doubles in the module's memory. */
function memoryOf(wasm) {
  function text(at) {
    const memory = new Uint8Array(wasm.memory.buffer);
    let end = at;
    while (memory[end] !== 0) end++;
    return new TextDecoder().decode(memory.subarray(at, end));
  }
  const names = at => text(at).split(",").slice(0, -1);
  const numbers = (at, count) => new Float64Array(wasm.memory.buffer, at, count);
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
  return { text, names, numbers, write, read };
}

/* One program: set it, begin it, and ask for its cycles; or for its totals. */
function programOf(wasm, memory, fields, rules) {
  /* Sets what the next cycles run with; a track is an array of points. */
  function set(settings, track) {
    memory.write(wasm.model_settings(), fields.settings, settings);
    if (!track) return;
    track.forEach((point, i) =>
      memory.write(wasm.model_track() + i * fields.point.length * 8, fields.point, point));
  }

  function cycle(status) {
    const record = memory.read(wasm.model_cycle(), fields.cycle);
    record.status = status;
    record.rule_name = rules[record.rule].name;
    record.end_rule_name = rules[record.end_rule].name;
    record.bound_name = memory.text(wasm.model_bound_name(record.trigger_bound));
    record.proposals = Array.from(memory.numbers(wasm.model_proposals(), rules.length));
    return record;
  }

  /* One cycle with what is set.  `status` tells whether there was one. */
  const next = (steps = STEPS) => cycle(wasm.model_next(steps));
  const begin = (points, ready) => wasm.model_begin(points, ready ? 1 : 0);

  /* The totals, of as many points as the track that was set has. */
  function totals(points, steps) {
    wasm.model_measure(points, steps);
    return memory.read(wasm.model_totals(), fields.totals);
  }
  return { set, cycle, next, begin, totals };
}

async function load(bytes) {
  const wasm = (await WebAssembly.instantiate(bytes, {})).instance.exports;
  const memory = memoryOf(wasm);
  const fields = {
    settings: memory.names(wasm.model_settings_names()), point: memory.names(wasm.model_point_names()),
    cycle: memory.names(wasm.model_cycle_names()), totals: memory.names(wasm.model_totals_names()),
  };
  const rules = Array.from({ length: wasm.model_rules() }, (unused, i) => ({
    name: memory.text(wasm.model_rule_name(i)), sentence: memory.text(wasm.model_rule_sentence(i)) }));
  const { set, cycle, next, begin, totals } = programOf(wasm, memory, fields, rules);

  /* The two sentences about a cycle that ran with these settings, or about one that never will. */
  function explain(settings, made, number, ran) {
    set(settings);
    memory.write(wasm.model_cycle(), fields.cycle, made);
    return [memory.text(wasm.model_why(number, ran ? 1 : 0)), memory.text(wasm.model_outcome())];
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
    STATUS, STEPS, STEPS_OF_CURVE, fields, rules, set, begin, next, explain,
    /* Cycles of a program that has settled. */
    settled(settings, track, count) {
      set(settings, track);
      const status = wasm.model_settle(STEPS);
      return status === STATUS.CYCLE_ENDED ? collect(count, () => false) : [cycle(status)];
    },
    /* Cycles from the program's start: of a track all, else until some have gone by with the live
       heap built up. */
    fromStart(settings, track, most, more) {
      set(settings, track);
      begin(track.length, false);
      return collect(most, made =>
        track.length === 1 && made.live_bytes >= Math.trunc(track[0].live_bytes) && more-- <= 0);
    },
    measure(settings, track) {
      set(settings, track);
      return totals(track.length, track.length > 1 ? STEPS_OF_CURVE : STEPS);
    },
    /* As measure, with fewer steps, and the track of `points` points that was set last. */
    sample(settings, points) {
      set(settings);
      return totals(points, STEPS_OF_CURVE);
    },
  };
}

return { load, fromBase64, STATUS };
})();
