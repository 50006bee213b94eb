export * from "./wire/segment.js";
