-- The data of the service. Places, words, science and art are facts (rounded); shops, people, prices and rates are invented.

CREATE TABLE country (name TEXT PRIMARY KEY, capital TEXT, currency TEXT, calling_code TEXT, side TEXT) STRICT;
INSERT INTO country VALUES
  ('Argentina', 'Buenos Aires', 'Argentine peso', '+54', 'right'), ('Australia', 'Canberra', 'Australian dollar', '+61', 'left'),
  ('Brazil', 'Brasilia', 'real', '+55', 'right'), ('Canada', 'Ottawa', 'Canadian dollar', '+1', 'right'),
  ('Chile', 'Santiago', 'Chilean peso', '+56', 'right'), ('Egypt', 'Cairo', 'Egyptian pound', '+20', 'right'),
  ('France', 'Paris', 'euro', '+33', 'right'), ('Germany', 'Berlin', 'euro', '+49', 'right'),
  ('Greece', 'Athens', 'euro', '+30', 'right'), ('India', 'New Delhi', 'Indian rupee', '+91', 'left'),
  ('Ireland', 'Dublin', 'euro', '+353', 'left'), ('Italy', 'Rome', 'euro', '+39', 'right'),
  ('Japan', 'Tokyo', 'yen', '+81', 'left'), ('Kenya', 'Nairobi', 'Kenyan shilling', '+254', 'left'),
  ('Mexico', 'Mexico City', 'Mexican peso', '+52', 'right'), ('Norway', 'Oslo', 'Norwegian krone', '+47', 'right'),
  ('Peru', 'Lima', 'sol', '+51', 'right'), ('Poland', 'Warsaw', 'zloty', '+48', 'right'),
  ('Portugal', 'Lisbon', 'euro', '+351', 'right'), ('Spain', 'Madrid', 'euro', '+34', 'right'),
  ('Thailand', 'Bangkok', 'baht', '+66', 'left'), ('Vietnam', 'Hanoi', 'dong', '+84', 'right');

CREATE TABLE airport (code TEXT PRIMARY KEY, name TEXT, city TEXT, country TEXT) STRICT;
INSERT INTO airport VALUES
  ('AMS', 'Schiphol', 'Amsterdam', 'Netherlands'), ('ATH', 'Eleftherios Venizelos', 'Athens', 'Greece'),
  ('BCN', 'El Prat', 'Barcelona', 'Spain'), ('CDG', 'Charles de Gaulle', 'Paris', 'France'),
  ('DUB', 'Dublin Airport', 'Dublin', 'Ireland'), ('FCO', 'Fiumicino', 'Rome', 'Italy'),
  ('HND', 'Haneda', 'Tokyo', 'Japan'), ('JFK', 'John F. Kennedy', 'New York', 'United States'),
  ('LHR', 'Heathrow', 'London', 'United Kingdom'), ('LIS', 'Humberto Delgado', 'Lisbon', 'Portugal'),
  ('MUC', 'Franz Josef Strauss', 'Munich', 'Germany'), ('ORD', 'O''Hare', 'Chicago', 'United States'),
  ('OSL', 'Gardermoen', 'Oslo', 'Norway'), ('SIN', 'Changi', 'Singapore', 'Singapore'),
  ('SYD', 'Kingsford Smith', 'Sydney', 'Australia'), ('YYZ', 'Pearson', 'Toronto', 'Canada');

-- Monthly means of the coldest and the warmest month in degrees Celsius, millimetres of rain in a year; all about.
CREATE TABLE city (
  name TEXT PRIMARY KEY, coldest REAL, warmest REAL, rain INTEGER, warm_month INTEGER, air_quality INTEGER
) STRICT;
INSERT INTO city VALUES
  ('Athens', 10, 29, 400, 7, 61), ('Berlin', 1, 20, 570, 7, 38), ('Cairo', 14, 29, 25, 7, 118), ('Dublin', 5, 16, 760, 7, 24),
  ('Helsinki', -5, 18, 650, 7, 21), ('Lisbon', 12, 24, 770, 8, 33), ('London', 6, 19, 600, 7, 42), ('Madrid', 6, 26, 430, 7, 47),
  ('Melbourne', 10, 21, 530, 1, 29), ('Oslo', -3, 18, 800, 7, 19), ('Paris', 5, 21, 640, 7, 44), ('Rome', 8, 26, 800, 8, 49),
  ('Tokyo', 5, 27, 1600, 8, 55), ('Toronto', -4, 22, 830, 7, 36), ('Vienna', 1, 21, 650, 7, 35), ('Warsaw', -1, 20, 550, 7, 52);

CREATE TABLE river (name TEXT PRIMARY KEY, kilometres INTEGER, mouth TEXT) STRICT;
INSERT INTO river VALUES
  ('Amazon', 6400, 'Atlantic Ocean'), ('Danube', 2850, 'Black Sea'), ('Elbe', 1094, 'North Sea'), ('Ganges', 2525, 'Bay of Bengal'),
  ('Loire', 1006, 'Atlantic Ocean'), ('Mekong', 4350, 'South China Sea'), ('Mississippi', 3770, 'Gulf of Mexico'),
  ('Nile', 6650, 'Mediterranean Sea'), ('Rhine', 1230, 'North Sea'), ('Thames', 346, 'North Sea'), ('Volga', 3530, 'Caspian Sea'),
  ('Yangtze', 6300, 'East China Sea'), ('Zambezi', 2574, 'Indian Ocean');

CREATE TABLE tree (name TEXT PRIMARY KEY, height_m INTEGER, years INTEGER, leaf TEXT) STRICT;
INSERT INTO tree VALUES
  ('ash', 30, 300, 'deciduous'), ('beech', 35, 300, 'deciduous'), ('birch', 22, 90, 'deciduous'), ('cedar', 35, 500, 'evergreen'),
  ('cypress', 25, 500, 'evergreen'), ('elm', 32, 300, 'deciduous'), ('juniper', 8, 200, 'evergreen'), ('larch', 35, 400, 'deciduous'),
  ('linden', 30, 500, 'deciduous'), ('maple', 25, 200, 'deciduous'), ('oak', 30, 700, 'deciduous'), ('olive', 10, 800, 'evergreen'),
  ('spruce', 45, 300, 'evergreen'), ('yew', 15, 1000, 'evergreen');

-- What one euro buys; invented for one day and never changing.
CREATE TABLE currency (code TEXT PRIMARY KEY, per_euro REAL) STRICT;
INSERT INTO currency VALUES
  ('EUR', 1), ('USD', 1.08), ('GBP', 0.85), ('JPY', 163), ('CHF', 0.95), ('CAD', 1.48), ('AUD', 1.65), ('SEK', 11.4),
  ('NOK', 11.7), ('PLN', 4.3), ('CZK', 25.1), ('INR', 90.5);

CREATE TABLE stock (symbol TEXT PRIMARY KEY, company TEXT, price REAL, dividend REAL) STRICT;
INSERT INTO stock VALUES
  ('ALPN', 'Alpine Rail', 84.2, 2.1), ('BRKW', 'Brookwood Paper', 17.45, 0.6), ('CLRA', 'Clara Optics', 212.9, 1.2),
  ('DLTA', 'Delta Pumps', 41.05, 1.9), ('EMBR', 'Ember Foods', 63.3, 1.5), ('FJRD', 'Fjord Shipping', 128.75, 5.4),
  ('GRNT', 'Granite Bank', 35.6, 2.2), ('HLIO', 'Helio Solar', 19.99, 0), ('LUMN', 'Lumen Glass', 55.15, 1.1),
  ('NRTH', 'North Cable', 72.4, 2.8);

CREATE TABLE account (number TEXT PRIMARY KEY, owner TEXT, cents INTEGER) STRICT;
INSERT INTO account VALUES
  ('AC-1001', 'Mira Holt', 241050), ('AC-1002', 'Tunde Okafor', 88420), ('AC-1003', 'Lena Brandt', 1530000),
  ('AC-1004', 'Ravi Menon', 4275), ('AC-1005', 'Sofia Duarte', 612390);

CREATE TABLE product (name TEXT PRIMARY KEY, department TEXT, cents INTEGER, stock INTEGER) STRICT;
INSERT INTO product VALUES
  ('backpack', 'travel', 7990, 31), ('blender', 'kitchen', 5450, 12), ('camping tent', 'travel', 18900, 7),
  ('coffee grinder', 'kitchen', 4595, 18), ('desk lamp', 'home', 3490, 44), ('electric kettle', 'kitchen', 3990, 25),
  ('frying pan', 'kitchen', 2890, 60), ('garden hose', 'garden', 2450, 33), ('hammock', 'garden', 4990, 9),
  ('headphones', 'electronics', 12900, 21), ('keyboard', 'electronics', 6900, 28), ('microscope', 'education', 14900, 4),
  ('rice cooker', 'kitchen', 6250, 15), ('rocking chair', 'home', 15900, 3), ('sleeping bag', 'travel', 8900, 17),
  ('suitcase', 'travel', 11500, 22), ('telescope', 'education', 24900, 5), ('toaster', 'kitchen', 3290, 37),
  ('umbrella', 'travel', 1990, 80), ('vacuum cleaner', 'home', 17900, 11), ('watering can', 'garden', 1690, 52),
  ('wheelbarrow', 'garden', 7450, 6);

CREATE TABLE purchase (id INTEGER PRIMARY KEY, product TEXT, quantity INTEGER, status TEXT) STRICT;
INSERT INTO purchase VALUES
  (5001, 'telescope', 1, 'delivered'), (5002, 'umbrella', 3, 'shipped'), (5003, 'desk lamp', 2, 'packed'),
  (5004, 'hammock', 1, 'shipped'), (5005, 'toaster', 1, 'returned'), (5006, 'frying pan', 2, 'delivered'),
  (5007, 'backpack', 1, 'packed'), (5008, 'garden hose', 1, 'shipped');

CREATE TABLE review (id INTEGER PRIMARY KEY, product TEXT, stars INTEGER, words TEXT) STRICT;
INSERT INTO review (product, stars, words)
  SELECT name, 5 - (n.value * length(name)) % 4,
    CASE (n.value + length(name)) % 4 WHEN 0 THEN 'Does what it should.' WHEN 1 THEN 'Sturdy, and came in two days.'
      WHEN 2 THEN 'Good, but smaller than I had thought.' ELSE 'I would buy it again.' END
  FROM product, json_each('[1, 2, 3, 4, 5, 6, 7]') AS n;

-- Kilocalories and grams in 100 g, raw where that is how it is sold.
CREATE TABLE food (name TEXT PRIMARY KEY, kcal INTEGER, protein REAL, fat REAL, carbohydrates REAL) STRICT;
INSERT INTO food VALUES
  ('almonds', 579, 21, 50, 22), ('apple', 52, 0.3, 0.2, 14), ('avocado', 160, 2, 15, 9), ('banana', 89, 1.1, 0.3, 23),
  ('broccoli', 34, 2.8, 0.4, 7), ('butter', 717, 0.9, 81, 0.1), ('carrot', 41, 0.9, 0.2, 10), ('egg', 143, 13, 10, 0.7),
  ('honey', 304, 0.3, 0, 82), ('lentils', 352, 25, 1, 63), ('oats', 389, 17, 7, 66), ('potato', 77, 2, 0.1, 17),
  ('salmon', 208, 20, 13, 0), ('spinach', 23, 2.9, 0.4, 3.6), ('tomato', 18, 0.9, 0.2, 3.9), ('walnuts', 654, 15, 65, 14);

CREATE TABLE vitamin (name TEXT PRIMARY KEY, chemical TEXT, sources TEXT) STRICT;
INSERT INTO vitamin VALUES
  ('A', 'retinol', 'carrot, liver, sweet potato'), ('B12', 'cobalamin', 'fish, meat, milk'), ('C', 'ascorbic acid', 'citrus, peppers, kiwi'),
  ('D', 'calciferol', 'oily fish, egg yolk, sunlight'), ('E', 'tocopherol', 'almonds, sunflower oil, spinach'),
  ('K', 'phylloquinone', 'kale, spinach, broccoli');

CREATE TABLE pharmacy (name TEXT, city TEXT, opens TEXT, closes TEXT) STRICT;
INSERT INTO pharmacy
  SELECT p.value || ' Pharmacy', city.name, printf('%02d:00', 7 + p.key), printf('%02d:30', 18 + p.key)
  FROM city, json_each('["Bridge", "Linden", "Harbour", "Old Town"]') AS p;

CREATE TABLE activity (name TEXT PRIMARY KEY, met REAL) STRICT;
INSERT INTO activity VALUES
  ('badminton', 5.5), ('cycling', 7.5), ('dancing', 5), ('gardening', 3.8), ('hiking', 6), ('rowing', 7), ('running', 9.8),
  ('skating', 7), ('swimming', 6), ('tennis', 7.3), ('walking', 3.5), ('yoga', 2.5);

CREATE TABLE word (word TEXT PRIMARY KEY, part TEXT, definition TEXT) STRICT;
INSERT INTO word VALUES
  ('brisk', 'adjective', 'quick and full of energy'), ('candid', 'adjective', 'saying openly what one thinks'),
  ('dwindle', 'verb', 'to become less and less'), ('eloquent', 'adjective', 'speaking well and so as to persuade'),
  ('frugal', 'adjective', 'using no more than is needed'), ('gleam', 'verb', 'to shine softly'),
  ('hinder', 'verb', 'to make something difficult'), ('lucid', 'adjective', 'easy to understand'),
  ('meander', 'verb', 'to follow a winding course'), ('nimble', 'adjective', 'quick and light in moving'),
  ('placid', 'adjective', 'calm and not easily upset'), ('quaint', 'adjective', 'pleasantly old or unusual'),
  ('resilient', 'adjective', 'able to recover quickly'), ('serene', 'adjective', 'calm and at peace'),
  ('tedious', 'adjective', 'too long and dull'), ('wary', 'adjective', 'on guard against danger');

CREATE TABLE university (name TEXT PRIMARY KEY, city TEXT, founded INTEGER) STRICT;
INSERT INTO university VALUES
  ('Bologna', 'Bologna', 1088), ('Cambridge', 'Cambridge', 1209), ('Coimbra', 'Coimbra', 1290), ('Harvard', 'Cambridge', 1636),
  ('Heidelberg', 'Heidelberg', 1386), ('Leiden', 'Leiden', 1575), ('Oxford', 'Oxford', 1096), ('Padua', 'Padua', 1222),
  ('Princeton', 'Princeton', 1746), ('Salamanca', 'Salamanca', 1218), ('Uppsala', 'Uppsala', 1477), ('Yale', 'New Haven', 1701);

CREATE TABLE book (title TEXT PRIMARY KEY, author TEXT, year INTEGER) STRICT;
INSERT INTO book VALUES
  ('Anna Karenina', 'Leo Tolstoy', 1878), ('Don Quixote', 'Miguel de Cervantes', 1605), ('Dracula', 'Bram Stoker', 1897),
  ('Emma', 'Jane Austen', 1815), ('Frankenstein', 'Mary Shelley', 1818), ('Jane Eyre', 'Charlotte Bronte', 1847),
  ('Middlemarch', 'George Eliot', 1871), ('Moby Dick', 'Herman Melville', 1851), ('Persuasion', 'Jane Austen', 1817),
  ('The Trial', 'Franz Kafka', 1925), ('Treasure Island', 'Robert Louis Stevenson', 1883), ('Ulysses', 'James Joyce', 1922),
  ('Walden', 'Henry David Thoreau', 1854), ('Wuthering Heights', 'Emily Bronte', 1847);

CREATE TABLE course (title TEXT, subject TEXT, level TEXT, weeks INTEGER) STRICT;
INSERT INTO course
  SELECT l.value || ' ' || s.value, s.value, l.value, 4 + 2 * l.key + s.key % 3
  FROM json_each('["biology", "chemistry", "drawing", "economics", "geometry", "history", "physics", "statistics"]') AS s,
    json_each('["beginner", "intermediate", "advanced"]') AS l;

CREATE TABLE movie (title TEXT PRIMARY KEY, director TEXT, year INTEGER, minutes INTEGER, genre TEXT) STRICT;
INSERT INTO movie VALUES
  ('Alien', 'Ridley Scott', 1979, 117, 'horror'), ('Amelie', 'Jean-Pierre Jeunet', 2001, 122, 'comedy'),
  ('Casablanca', 'Michael Curtiz', 1942, 102, 'drama'), ('Fargo', 'Joel Coen', 1996, 98, 'crime'),
  ('Inception', 'Christopher Nolan', 2010, 148, 'science fiction'), ('Jaws', 'Steven Spielberg', 1975, 124, 'thriller'),
  ('Memento', 'Christopher Nolan', 2000, 113, 'thriller'), ('Metropolis', 'Fritz Lang', 1927, 153, 'science fiction'),
  ('Parasite', 'Bong Joon-ho', 2019, 132, 'thriller'), ('Psycho', 'Alfred Hitchcock', 1960, 109, 'horror'),
  ('Rashomon', 'Akira Kurosawa', 1950, 88, 'drama'), ('Ratatouille', 'Brad Bird', 2007, 111, 'animation'),
  ('Titanic', 'James Cameron', 1997, 194, 'drama'), ('Vertigo', 'Alfred Hitchcock', 1958, 128, 'thriller');

CREATE TABLE museum (name TEXT PRIMARY KEY, city TEXT, ticket_cents INTEGER) STRICT;
INSERT INTO museum VALUES
  ('Clock Museum', 'Vienna', 900), ('Harbour Museum', 'Oslo', 1200), ('Museum of Maps', 'Lisbon', 750), ('Museum of Paper', 'Rome', 600),
  ('Railway Museum', 'Berlin', 1100), ('Textile Museum', 'Paris', 850), ('Toy Museum', 'Warsaw', 500);

CREATE TABLE composer (name TEXT PRIMARY KEY, born INTEGER, died INTEGER, country TEXT, work TEXT) STRICT;
INSERT INTO composer VALUES
  ('Bach', 1685, 1750, 'Germany', 'Mass in B minor'), ('Bartok', 1881, 1945, 'Hungary', 'Concerto for Orchestra'),
  ('Beethoven', 1770, 1827, 'Germany', 'Symphony No. 9'), ('Chopin', 1810, 1849, 'Poland', 'Nocturnes'),
  ('Debussy', 1862, 1918, 'France', 'La mer'), ('Dvorak', 1841, 1904, 'Bohemia', 'Symphony No. 9'),
  ('Grieg', 1843, 1907, 'Norway', 'Peer Gynt'), ('Handel', 1685, 1759, 'Germany', 'Messiah'), ('Haydn', 1732, 1809, 'Austria', 'The Creation'),
  ('Mozart', 1756, 1791, 'Austria', 'The Magic Flute'), ('Puccini', 1858, 1924, 'Italy', 'Tosca'),
  ('Schubert', 1797, 1828, 'Austria', 'Winterreise'), ('Sibelius', 1865, 1957, 'Finland', 'Finlandia'),
  ('Verdi', 1813, 1901, 'Italy', 'Aida'), ('Vivaldi', 1678, 1741, 'Italy', 'The Four Seasons');

CREATE TABLE instrument (name TEXT PRIMARY KEY, family TEXT, clef TEXT) STRICT;
INSERT INTO instrument VALUES
  ('bassoon', 'woodwind', 'bass'), ('cello', 'strings', 'bass'), ('clarinet', 'woodwind', 'treble'), ('flute', 'woodwind', 'treble'),
  ('harp', 'strings', 'treble and bass'), ('marimba', 'percussion', 'treble and bass'), ('oboe', 'woodwind', 'treble'),
  ('piccolo', 'woodwind', 'treble'), ('timpani', 'percussion', 'bass'), ('trombone', 'brass', 'bass'), ('trumpet', 'brass', 'treble'),
  ('tuba', 'brass', 'bass'), ('viola', 'strings', 'alto'), ('violin', 'strings', 'treble');

CREATE TABLE concert (city TEXT, month TEXT, programme TEXT, hall TEXT) STRICT;
INSERT INTO concert
  SELECT city.name, m.value, composer.name || ': ' || composer.work, city.name || ' Concert Hall'
  FROM city, json_each('["March", "June", "September", "December"]') AS m, composer
  WHERE (length(city.name) * 7 + m.key * 5 + composer.born) % 4 = 0;

CREATE TABLE olympics (year INTEGER PRIMARY KEY, host TEXT, country TEXT) STRICT;
INSERT INTO olympics VALUES
  (1964, 'Tokyo', 'Japan'), (1968, 'Mexico City', 'Mexico'), (1972, 'Munich', 'West Germany'), (1976, 'Montreal', 'Canada'),
  (1980, 'Moscow', 'Soviet Union'), (1984, 'Los Angeles', 'United States'), (1988, 'Seoul', 'South Korea'),
  (1992, 'Barcelona', 'Spain'), (1996, 'Atlanta', 'United States'), (2000, 'Sydney', 'Australia'), (2004, 'Athens', 'Greece'),
  (2008, 'Beijing', 'China'), (2012, 'London', 'United Kingdom'), (2016, 'Rio de Janeiro', 'Brazil'), (2024, 'Paris', 'France');

CREATE TABLE sport (name TEXT PRIMARY KEY, players INTEGER, minutes INTEGER) STRICT;
INSERT INTO sport VALUES
  ('basketball', 5, 40), ('field hockey', 11, 60), ('football', 11, 90), ('futsal', 5, 40), ('handball', 7, 60), ('ice hockey', 6, 60),
  ('netball', 7, 60), ('rugby union', 15, 80), ('water polo', 7, 32);

CREATE TABLE stadium (name TEXT PRIMARY KEY, city TEXT, capacity INTEGER) STRICT;
INSERT INTO stadium VALUES
  ('Allianz Arena', 'Munich', 75000), ('Anfield', 'Liverpool', 61000), ('Azteca', 'Mexico City', 87000), ('Camp Nou', 'Barcelona', 99000),
  ('Maracana', 'Rio de Janeiro', 78000), ('San Siro', 'Milan', 75000), ('Wembley', 'London', 90000);

CREATE TABLE element (name TEXT PRIMARY KEY, symbol TEXT, number INTEGER, weight REAL, melting_celsius REAL) STRICT;
INSERT INTO element VALUES
  ('aluminium', 'Al', 13, 26.982, 660.3), ('calcium', 'Ca', 20, 40.078, 842), ('carbon', 'C', 6, 12.011, 3550), ('copper', 'Cu', 29, 63.546, 1084.6),
  ('gold', 'Au', 79, 196.967, 1064.2), ('helium', 'He', 2, 4.0026, -272.2), ('hydrogen', 'H', 1, 1.008, -259.2), ('iron', 'Fe', 26, 55.845, 1538),
  ('lead', 'Pb', 82, 207.2, 327.5), ('lithium', 'Li', 3, 6.94, 180.5), ('mercury', 'Hg', 80, 200.592, -38.8), ('neon', 'Ne', 10, 20.180, -248.6),
  ('nickel', 'Ni', 28, 58.693, 1455), ('oxygen', 'O', 8, 15.999, -218.8), ('platinum', 'Pt', 78, 195.084, 1768.3), ('silver', 'Ag', 47, 107.868, 961.8),
  ('sodium', 'Na', 11, 22.990, 97.8), ('tin', 'Sn', 50, 118.71, 231.9), ('titanium', 'Ti', 22, 47.867, 1668), ('zinc', 'Zn', 30, 65.38, 419.5);

CREATE TABLE planet (name TEXT PRIMARY KEY, radius_km INTEGER, year_days REAL, gravity REAL) STRICT;
INSERT INTO planet VALUES
  ('Mercury', 2440, 87.97, 3.7), ('Venus', 6052, 224.7, 8.87), ('Earth', 6371, 365.26, 9.81), ('Mars', 3390, 686.98, 3.72),
  ('Jupiter', 69911, 4332.6, 24.79), ('Saturn', 58232, 10759, 10.44), ('Uranus', 25362, 30689, 8.87), ('Neptune', 24622, 60182, 11.15);

CREATE TABLE mineral (name TEXT PRIMARY KEY, mohs REAL) STRICT;
INSERT INTO mineral VALUES
  ('apatite', 5), ('calcite', 3), ('corundum', 9), ('diamond', 10), ('fluorite', 4), ('gypsum', 2), ('orthoclase', 6), ('quartz', 7),
  ('talc', 1), ('topaz', 8);

CREATE TABLE status_code (code INTEGER PRIMARY KEY, phrase TEXT) STRICT;
INSERT INTO status_code VALUES
  (200, 'OK'), (201, 'Created'), (204, 'No Content'), (301, 'Moved Permanently'), (304, 'Not Modified'), (400, 'Bad Request'),
  (401, 'Unauthorized'), (403, 'Forbidden'), (404, 'Not Found'), (409, 'Conflict'), (418, '(Unused)'), (429, 'Too Many Requests'),
  (500, 'Internal Server Error'), (502, 'Bad Gateway'), (503, 'Service Unavailable');

CREATE TABLE network_port (port INTEGER PRIMARY KEY, service TEXT) STRICT;
INSERT INTO network_port VALUES
  (22, 'ssh'), (25, 'smtp'), (53, 'domain'), (80, 'http'), (110, 'pop3'), (123, 'ntp'), (143, 'imap'), (389, 'ldap'), (443, 'https'),
  (993, 'imaps'), (3306, 'mysql'), (5432, 'postgresql');

CREATE TABLE language (name TEXT PRIMARY KEY, year INTEGER, designer TEXT) STRICT;
INSERT INTO language VALUES
  ('Ada', 1980, 'Jean Ichbiah'), ('C', 1972, 'Dennis Ritchie'), ('COBOL', 1959, 'CODASYL committee'), ('Erlang', 1986, 'Joe Armstrong'),
  ('Fortran', 1957, 'John Backus'), ('Go', 2009, 'Robert Griesemer, Rob Pike, Ken Thompson'), ('Java', 1995, 'James Gosling'),
  ('Lua', 1993, 'Roberto Ierusalimschy'), ('Pascal', 1970, 'Niklaus Wirth'), ('Perl', 1987, 'Larry Wall'), ('PHP', 1995, 'Rasmus Lerdorf'),
  ('Python', 1991, 'Guido van Rossum'), ('Ruby', 1995, 'Yukihiro Matsumoto'), ('Rust', 2015, 'Graydon Hoare'), ('Swift', 2014, 'Chris Lattner');

CREATE TABLE recipe (name TEXT PRIMARY KEY, minutes INTEGER, ingredients TEXT) STRICT;
INSERT INTO recipe VALUES
  ('apple crumble', 55, 'apples, flour, butter, sugar, cinnamon'), ('carrot soup', 35, 'carrots, onion, stock, ginger, cream'),
  ('cheese omelette', 10, 'eggs, cheese, butter, chives'), ('fish pie', 75, 'cod, potatoes, milk, leek, butter'),
  ('garlic bread', 20, 'baguette, garlic, butter, parsley'), ('lentil curry', 40, 'lentils, onion, tomatoes, coconut milk, cumin'),
  ('mushroom risotto', 40, 'rice, mushrooms, stock, onion, parmesan'), ('onion tart', 60, 'flour, butter, onions, eggs, cream'),
  ('pancakes', 25, 'flour, milk, eggs, butter'), ('potato salad', 30, 'potatoes, gherkins, mustard, oil, vinegar'),
  ('ratatouille', 60, 'aubergine, courgette, peppers, tomatoes, onion'), ('rice pudding', 45, 'rice, milk, sugar, vanilla');

CREATE TABLE plant (name TEXT PRIMARY KEY, water_days INTEGER, light TEXT) STRICT;
INSERT INTO plant VALUES
  ('aloe', 18, 'bright'), ('basil', 2, 'bright'), ('begonia', 4, 'half shade'), ('cactus', 24, 'full sun'), ('fern', 3, 'shade'),
  ('ficus', 8, 'bright'), ('ivy', 6, 'half shade'), ('lavender', 9, 'full sun'), ('mint', 2, 'half shade'), ('monstera', 8, 'half shade'),
  ('orchid', 7, 'bright'), ('rosemary', 7, 'full sun');

CREATE TABLE dog_breed (name TEXT PRIMARY KEY, kilograms INTEGER, walk_minutes INTEGER) STRICT;
INSERT INTO dog_breed VALUES
  ('beagle', 12, 90), ('border collie', 18, 120), ('boxer', 30, 100), ('bulldog', 23, 45), ('corgi', 12, 60), ('dachshund', 9, 50),
  ('dalmatian', 27, 120), ('greyhound', 30, 60), ('labrador', 31, 110), ('poodle', 25, 80), ('pug', 8, 40), ('whippet', 13, 60);

CREATE TABLE invoice (number TEXT PRIMARY KEY, customer TEXT, cents INTEGER, paid INTEGER) STRICT;
INSERT INTO invoice VALUES
  ('INV-301', 'Hollow Oak Bakery', 48250, 1), ('INV-302', 'Tidewater Boats', 1290000, 0), ('INV-303', 'Blue Gate School', 73900, 1),
  ('INV-304', 'Ember Foods', 215000, 0), ('INV-305', 'Northside Clinic', 99900, 1);

CREATE TABLE department (name TEXT PRIMARY KEY, employees INTEGER, manager TEXT) STRICT;
INSERT INTO department VALUES
  ('accounting', 9, 'Ines Farah'), ('design', 12, 'Pavel Novak'), ('logistics', 27, 'Grace Mensah'), ('marketing', 11, 'Hugo Lind'),
  ('research', 34, 'Yuki Tanabe'), ('sales', 41, 'Carla Rossi');

CREATE TABLE mailbox (user TEXT PRIMARY KEY, messages INTEGER, megabytes INTEGER) STRICT;
INSERT INTO mailbox VALUES ('amara', 1840, 412), ('jonas', 96, 15), ('lucia', 5210, 1903), ('omar', 733, 128), ('priya', 2275, 640);

-- The last one is what somebody hostile would save.
CREATE TABLE link (name TEXT PRIMARY KEY, target TEXT) STRICT;
INSERT INTO link VALUES
  ('capital-of-norway', '/countries/Norway/capital'), ('planet-mars', '/planets/Mars'), ('round', '/links/trip'), ('trip', '/links/round'),
  ('credentials', 'http://169.254.169.254/latest/meta-data/iam/');

CREATE TABLE message (id INTEGER PRIMARY KEY, recipient TEXT, words TEXT) STRICT;
CREATE TABLE subscriber (email TEXT PRIMARY KEY, topic TEXT) STRICT;
